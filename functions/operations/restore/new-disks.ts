/** The disks of a restore, as its record has them. */
import { InternalFault } from '../../contracts/errors.ts'
import type { ArchivedDisk, NewDisk, RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import type { BegunDisk, DiskToFill } from '../../writers/disk-writer.ts'
import { changeRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'

/** @throws InternalFault for a restore of a file */
export function disksOf({ restoreId, archive }: Pick<RestoreRecord, 'restoreId' | 'archive'>): ArchivedDisk[] {
  if (archive.disks !== undefined) return archive.disks
  throw new InternalFault(`Restore ${restoreId} is of an archive without disks.`)
}

/** @throws InternalFault before the target was checked */
export function newDisksOf({ restoreId, newDisks }: Pick<RestoreRecord, 'restoreId' | 'newDisks'>): NewDisk[] {
  if (newDisks !== undefined) return newDisks
  throw new InternalFault(`Restore ${restoreId} is to bring disks, and nothing says to where.`)
}

/** A disk of the archive, by its place there, and what it becomes. @throws InternalFault where there is none */
export function diskAt(record: RestoreRecord, index: number): { archived: ArchivedDisk; disk: NewDisk } {
  const archived = disksOf(record)[index]
  const disk = newDisksOf(record).find(({ fileName }) => fileName === archived?.fileName)
  if (archived !== undefined && disk !== undefined) return { archived, disk }
  throw new InternalFault(`Restore ${record.restoreId} has no disk ${index}.`)
}

export function toFill({ token }: RestoreRecord, disk: NewDisk): DiskToFill {
  return { ...disk, token }
}

/** @throws InternalFault before it was begun */
export function begunDisk(record: RestoreRecord, disk: NewDisk): BegunDisk {
  const { ref } = disk
  if (ref !== undefined) return { ...toFill(record, disk), ref }
  throw new InternalFault(`Restore ${record.restoreId}: ${disk.fileName} was never begun.`)
}

/** Write down what is known of one of them. @returns the record as it is then */
export function changeDisk(
  restore: RestoreRef,
  fileName: string,
  change: Partial<NewDisk>,
  ports: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<RestoreRecord> {
  const changed = (held: RestoreRecord): RestoreRecord => ({
    ...held,
    newDisks: newDisksOf(held).map((disk) => (disk.fileName === fileName ? { ...disk, ...change } : disk)),
  })
  return changeRestore(restore, changed, ports)
}

/** Each disk is one file that is written in one stream. */
export function areFiles({ newDisks = [] }: Pick<RestoreRecord, 'newDisks'>): boolean {
  return newDisks.some(({ target }) => target.type === 'datastore-disk')
}
