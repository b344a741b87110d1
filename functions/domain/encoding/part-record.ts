/** What is believed of a part of a disk: its maker's record, as far as it agrees with the plan and with S3. Pure. */
import type { AllocationMap, DiskPlan, FrameEntry, PartRecord } from '../../contracts/disk-archive.ts'
import { combineCrc32, crc32OfText, repeatCrc32 } from '../transfer/crc32.ts'
import { writtenBytes } from './allocation-map.ts'
import { boundsOfPart } from './disk-plan.ts'
import type { ListedPart, Sum } from './part-encoder.ts'

/** The record with its sum over itself. */
export function signRecord(record: Omit<PartRecord, 'sum'>): PartRecord {
  return { ...record, sum: recordSum(record) }
}

/**
 * Why a part is not the one that it has to be, without a full stop; `undefined` when it is. Two workers may make the same
 * part, and the record that stays may be the other's than the part that stays.
 */
export function judgePart(
  partNumber: number,
  plan: DiskPlan,
  map: AllocationMap | undefined,
  listed: ListedPart | undefined,
  record: PartRecord | undefined,
): string | undefined {
  if (listed === undefined) return 'S3 does not list it'
  if (record === undefined) return 'there is no record of it'
  const range = boundsOfPart(plan, partNumber)
  if (record.sum !== recordSum(record)) return 'its record was changed after it was written'
  if (record.part !== partNumber || record.from !== range.from || record.to !== range.to) {
    return 'its record is of another range of the disk'
  }
  if (record.allocatedBytes !== writtenBytes(map, range)) return 'its record counts other bytes as written'
  const { sizeBytes, crc32 } = sumOfFrames(record.frames)
  const diskBytes = record.frames.reduce((sum, [, disk, , , times]) => sum + disk * times, 0)
  if (sizeBytes !== record.storedBytes || crc32 !== record.storedCrc32 || diskBytes !== range.to - range.from) {
    return "its record's frames don't make up the part"
  }
  if (listed.sizeBytes !== sizeBytes || listed.crc32 !== crc32) return 'S3 holds other bytes than its record says'
  return undefined
}

/** Size and CRC-32 of stored frames in a row. */
export function sumOfFrames(frames: Iterable<FrameEntry>): Sum {
  let whole: Sum = { sizeBytes: 0, crc32: 0 }
  for (const [stored, , , crc32, times] of frames) {
    const sizeBytes = stored * times
    whole = {
      sizeBytes: whole.sizeBytes + sizeBytes,
      crc32: combineCrc32(whole.crc32, repeatCrc32(crc32, stored, times), sizeBytes),
    }
  }
  return whole
}

function recordSum({
  part,
  from,
  to,
  rawCrc32,
  storedBytes,
  storedCrc32,
  allocatedBytes,
  frames,
}: Omit<PartRecord, 'sum'>) {
  return crc32OfText(JSON.stringify([part, from, to, rawCrc32, storedBytes, storedCrc32, allocatedBytes, frames]))
}
