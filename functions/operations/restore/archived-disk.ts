/** A disk in an archive, as it is read for a restore: the object by its ETag, with the plan and the map beside it. */
import { Damage } from '../../archive-formats/damage.ts'
import { DiskReader, indexBySeekTable, type RangedObject } from '../../archive-formats/raw-disk/disk-reader.ts'
import type { AllocationMap, DiskPlan } from '../../contracts/disk-archive.ts'
import { ArchiveConflict, NotAnArchive } from '../../contracts/errors.ts'
import type { ArchivedDisk } from '../../contracts/restore-record.ts'
import { allocationMapKey, diskPlanKey } from '../../domain/books/object-keys.ts'
import { assertPlan } from '../../domain/encoding/disk-plan.ts'
import { sentence } from '../../domain/words/sentence.ts'
import { allocationMapShape, diskPlanShape } from '../books/shapes.ts'
import { readRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

/**
 * Which range of the disk each part stands for, and what was ever written of it.
 * @throws ArchiveConflict where they are gone or don't fit one another: without them, nobody knows what to write
 */
export async function readKeptDiskPlan(
  { key }: Pick<ArchivedDisk, 'key'>,
  { store }: Pick<Ports, 'store'>,
): Promise<{ plan: DiskPlan; map: AllocationMap | undefined }> {
  const plan = await readRecord(store, diskPlanKey(key), diskPlanShape)
  const map = await readRecord(store, allocationMapKey(key), allocationMapShape)
  const where = `s3://${store.bucket}/${key}`
  if (plan === undefined) throw unusable(`${diskPlanKey(key)} is gone, which says what the parts of ${where} are`)
  try {
    assertPlan(plan, map)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw unusable(`${where}: ${error.message.replace(/\.$/, '')}`)
  }
  return { plan, map }
}

/** @throws NotAnArchive when its seek table can't be used; the store's errors */
export async function openArchivedDisk(disk: ArchivedDisk, { store }: Pick<Ports, 'store'>): Promise<DiskReader> {
  const { key, etag, sizeBytes } = disk
  const object: RangedObject = {
    sizeBytes,
    read: (firstByte, lastByte) => store.readRange(key, { firstByte, lastByte, etag }),
  }
  return asFact(`s3://${store.bucket}/${key}`, async () => new DiskReader(object, await indexBySeekTable(object)))
}

/** @throws NotAnArchive for damage, which `work` finds */
export async function asFact<Result>(where: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Damage) throw new NotAnArchive(sentence(`${where}: ${error.message}`), { cause: error })
    throw error
  }
}

function unusable(what: string): ArchiveConflict {
  return new ArchiveConflict(
    `${what}. Restore another archive, or this one by hand with "zstd -d", as docs/restore.md shows.`,
  )
}
