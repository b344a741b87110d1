/** Plan, map and frames of a disk's upload: below `uploads/parts/` while the disk is archived, and beside the archive then. */
import type { ArchiveStore } from '../../aws/archive-store.ts'
import type { AllocationMap, DiskPlan, FrameList } from '../../contracts/disk-archive.ts'
import type { DatedLock } from '../../contracts/object-lock.ts'
import { allocationMapKey, diskPlanKey, frameListKey, uploadFileKey } from '../../domain/books/object-keys.ts'
import { crc32OfText } from '../../domain/transfer/crc32.ts'
import { allocationMapShape, diskPlanShape, frameListShape } from './shapes.ts'
import { readRecord, recordText, writeRecord } from './stored-json.ts'

interface Place {
  store: Pick<ArchiveStore, 'bucket' | 'readText' | 'writeText'>
  keyPrefix: string
}

export interface PlannedDisk {
  plan: DiskPlan
  map?: AllocationMap | undefined
}

/** Returns the plan's key. */
export async function writeDiskPlan(
  { store, keyPrefix }: Place,
  key: string,
  { plan, map }: PlannedDisk,
): Promise<string> {
  if (map !== undefined && plan.mapSum !== undefined) {
    await writeRecord(store, uploadFileKey(keyPrefix, key, 'map', plan.mapSum), allocationMapShape, map)
  }
  const planKey = uploadFileKey(keyPrefix, key, 'plan', crc32OfText(recordText(diskPlanShape, plan)))
  await writeRecord(store, planKey, diskPlanShape, plan)
  return planKey
}

/** `undefined` when the plan is gone, or the map that it was made from. @throws RecordTooNew, RecordUnreadable */
export async function readDiskPlan(
  { store, keyPrefix }: Place,
  key: string,
  planKey: string,
): Promise<PlannedDisk | undefined> {
  const plan = await readRecord(store, planKey, diskPlanShape)
  if (plan?.mapSum === undefined) return plan && { plan }
  const map = await readRecord(store, uploadFileKey(keyPrefix, key, 'map', plan.mapSum), allocationMapShape)
  return map && { plan, map }
}

/** @param sum of the object that these are the frames of */
export async function writeFrameList(
  { store, keyPrefix }: Place,
  key: string,
  sum: number,
  frames: FrameList,
): Promise<void> {
  await writeRecord(store, uploadFileKey(keyPrefix, key, 'frames', sum), frameListShape, frames)
}

/**
 * Put them beside the object that they are of. What an earlier call put there stays. Returns the keys; none of what is
 * gone: the disk comes back without them.
 */
export async function keepDiskPlan(
  place: Place,
  key: string,
  { planKey, sum, lock }: { planKey: string; sum: number; lock?: DatedLock | undefined },
): Promise<string[]> {
  const { store, keyPrefix } = place
  const planned = await readDiskPlan(place, key, planKey)
  const frames = await readRecord(store, uploadFileKey(keyPrefix, key, 'frames', sum), frameListShape)
  const once = { onlyIf: { absent: true as const }, ...(lock === undefined ? {} : { lock }) }
  const kept: string[] = []
  if (planned !== undefined) {
    await writeRecord(store, diskPlanKey(key), diskPlanShape, planned.plan, once)
    kept.push(diskPlanKey(key))
  }
  if (planned?.map !== undefined) {
    await writeRecord(store, allocationMapKey(key), allocationMapShape, planned.map, once)
    kept.push(allocationMapKey(key))
  }
  if (frames !== undefined) {
    await writeRecord(store, frameListKey(key), frameListShape, frames, once)
    kept.push(frameListKey(key))
  }
  return kept
}
