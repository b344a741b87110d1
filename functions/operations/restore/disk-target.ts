/** The first look at where an archive's whole disks are to come back. */
import { RestoreRefused } from '../../contracts/errors.ts'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { TaskOutput } from '../../contracts/tasks.ts'
import { refusals } from '../../domain/restore/findings.ts'
import { strangeOptions } from '../../domain/restore/strange-options.ts'
import { madeInto } from '../../domain/restore/made-into.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { changeRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { intendedDisks, openDiskRestorer } from './intended-disks.ts'
import { areFiles, disksOf } from './new-disks.ts'
import { frozenFindings } from './target-findings.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'localProcess' | 'log'>

/** What a function writes in one stream within its 15 minutes, at some 42 MiB/s. On one machine, nothing ends it. */
const MOST_IN_ONE_STREAM_BYTES = 32 * 2 ** 30

/**
 * Ask the site all that is known to stand against it, and settle what each disk becomes: at a second look, it stays.
 * @throws RestoreRefused naming each refusal, for a confirmed restore; the provider's errors
 */
export async function checkDiskTarget(
  restore: RestoreRef,
  record: RestoreRecord,
  ports: Needs,
): Promise<TaskOutput<'CheckTarget'>> {
  const { request, archive } = record
  const restores = await openDiskRestorer(record, ports)
  const { findings, disks } = await restores.checkTarget(await intendedDisks(record, ports))
  const frozen = await frozenFindings(record, ports)
  const all: RestoreFinding[] = [
    ...strangeOptions(request, madeInto(record) === 'guest' ? 'disks-of-guest' : 'disks'),
    ...findings,
    ...(areFiles({ newDisks: disks }) ? tooLarge(record, ports) : []),
    ...frozen.findings,
  ]
  await changeRestore(
    restore,
    (now) => ({
      ...now,
      findings: all,
      ...(disks.length === 0 ? {} : { newDisks: now.newDisks ?? disks }),
      ...(frozen.storageClass === undefined ? {} : { storageClass: frozen.storageClass }),
      steps: { ...now.steps, checkedAt: ports.now().toISOString() },
    }),
    ports,
  )
  const against = refusals(all)
  ports.log('target-checked', { site: request.site, guest: archive.guest.id, findings: all.map(({ name }) => name) })
  if (request.confirm && against.length > 0) {
    throw new RestoreRefused(against.map(({ message }) => message).join(' '))
  }
  return { frozen: frozen.isFrozen, imports: false }
}

/** A file that is written in one stream can't be gone on with by the next function. */
function tooLarge(record: RestoreRecord, { localProcess }: Needs): RestoreFinding[] {
  if (localProcess !== undefined) return []
  const large = disksOf(record).filter(({ disk }) => disk.sizeBytes > MOST_IN_ONE_STREAM_BYTES)
  if (large.length === 0) return []
  const named = large.map(({ fileName, disk }) => `${fileName} (${formatBytes(disk.sizeBytes)})`).join(', ')
  const message =
    `A function on AWS has 15 minutes, and a datastore takes a disk in one stream: ${named} is more than ${formatBytes(MOST_IN_ONE_STREAM_BYTES)}. ` +
    'Restore from a machine at the site (guestlift restore --local), or by hand: unpack the disk, make it small with "qemu-img convert -O vmdk -o subformat=streamOptimized", and import that.'
  return [{ name: 'delivery-unfit', level: 'refusal', message }]
}
