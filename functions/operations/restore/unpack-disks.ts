import { InternalFault } from '../../contracts/errors.ts'
import type { ImportedDisk, RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { hashImage, unpackDisk } from './unpack-disk.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'remainingMilliseconds' | 'localProcess' | 'log'>

/**
 * Take the next disk out of the archive, or read back the one that was: a call has Lambda's time for each. What is done is
 * in the record.
 * @throws what `unpackDisk` and `hashImage` do; RestoreRefused when another restore has the id by now
 */
export async function unpackDisks(input: TaskInput<'UnpackDisks'>, ports: Needs): Promise<TaskOutput<'UnpackDisks'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  const next = disksOf(record).find(({ sha256 }) => sha256 === undefined)
  if (next === undefined) {
    const unpackedAt = ports.now().toISOString()
    await changeRestore(restore, (held) => ({ ...held, steps: { unpackedAt, ...held.steps } }), ports)
    return { done: true }
  }
  const note = (change: Partial<ImportedDisk>) => changeDisk(restore, next.disk, change, ports)
  if (next.image === undefined) {
    await note({ image: await unpackDisk(record, next, async (uploadId) => note({ uploadId }), ports) })
  } else {
    await note({ sha256: await hashImage(next, next.image, ports) })
  }
  return { done: false, waitSeconds: 1 }
}

/** What the guest is made of. @throws InternalFault for a restore that doesn't go by import */
export function disksOf({ restoreId, disks }: RestoreRecord): ImportedDisk[] {
  if (disks === undefined) throw new InternalFault(`Restore ${restoreId} has no disks to import.`)
  return disks
}

export async function changeDisk(
  restore: RestoreRef,
  name: string,
  change: Partial<ImportedDisk>,
  ports: Pick<Needs, 'store' | 'keyPrefix'>,
): Promise<void> {
  await changeRestore(
    restore,
    (held) => ({
      ...held,
      disks: disksOf(held).map((disk) => (disk.disk === name ? { ...disk, ...change } : disk)),
    }),
    ports,
  )
}
