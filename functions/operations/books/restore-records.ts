/** What a restore keeps in the bucket: its record, and the ranges of the file that are proved to lie on the target. */
import type { ArchiveStore } from '../../aws/archive-store.ts'
import { InternalFault, RecordUnreadable } from '../../contracts/errors.ts'
import type { RestoreRecord, RestoreRef } from '../../contracts/restore-record.ts'
import {
  deliveredKey,
  deliveredPrefix,
  readDeliveredKey,
  restorePrefix,
  restoreRecordKey,
} from '../../domain/books/object-keys.ts'
import { restoreRecordShape } from './shapes.ts'
import { type Held, holdRecord, writeRecord } from './stored-json.ts'

interface Place {
  store: Pick<ArchiveStore, 'bucket' | 'readText' | 'writeText' | 'listKeys'>
  keyPrefix: string
}

/** The folder of a restore, with a slash at its end. */
function folderOf({ id, startedAt }: RestoreRef, { keyPrefix }: Place): string {
  return restorePrefix(keyPrefix, id, startedAt)
}

/** How often another function of the restore may come between reading and writing. */
const TRIES = 8

/** `undefined` before there is one. @throws RecordUnreadable, RecordTooNew */
export function findRestore(restore: RestoreRef, place: Place): Promise<Held<RestoreRecord> | undefined> {
  return holdRecord(place.store, restoreRecordKey(folderOf(restore, place)), restoreRecordShape)
}

/** @throws RecordUnreadable when it is gone or can't be read; RecordTooNew */
export async function readRestore(restore: RestoreRef, place: Place): Promise<RestoreRecord> {
  return (await holdRestore(restore, place)).value
}

async function holdRestore(restore: RestoreRef, place: Place): Promise<Held<RestoreRecord>> {
  const held = await findRestore(restore, place)
  if (held !== undefined) return held
  const key = restoreRecordKey(folderOf(restore, place))
  throw new RecordUnreadable(
    `The record of the restore, s3://${place.store.bucket}/${key}, is gone. ${restoreRecordShape.remedy}`,
  )
}

/** The record of a restore that has one already, else this one, which is written. */
export async function beginRestore(restore: RestoreRef, record: RestoreRecord, place: Place): Promise<RestoreRecord> {
  const key = restoreRecordKey(folderOf(restore, place))
  const etag = await writeRecord(place.store, key, restoreRecordShape, record, { onlyIf: { absent: true } })
  return etag === undefined ? readRestore(restore, place) : record
}

/**
 * Change the record, as often as it takes when other functions of the restore write at the same time. What `change` throws
 * leaves it as it is. @returns the record as it is then
 */
export async function changeRestore(
  restore: RestoreRef,
  change: (record: RestoreRecord) => RestoreRecord,
  place: Place,
): Promise<RestoreRecord> {
  const key = restoreRecordKey(folderOf(restore, place))
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const { value, etag } = await holdRestore(restore, place)
    const changed = change(value)
    const onlyIf = { etag }
    if ((await writeRecord(place.store, key, restoreRecordShape, changed, { onlyIf, held: true })) !== undefined) {
      return changed
    }
  }
  throw new InternalFault(`s3://${place.store.bucket}/${key} was changed by others each time. Start another restore.`)
}

/** A range of the archive's file, by its number from 1, and the CRC-32 of its bytes. */
export interface DeliveredPart {
  part: number
  crc32: number
}

/**
 * Write down that a range lies on the target: its bytes were read there.
 * @param note what else is known of it
 */
export async function noteDelivered(
  restore: RestoreRef,
  generation: number,
  delivered: DeliveredPart,
  place: Place,
  note = '',
): Promise<void> {
  await place.store.writeText(deliveredKey(folderOf(restore, place), generation, delivered), note)
}

/** What was noted of a range that lies there. @throws RecordUnreadable when it is gone */
export async function deliveredNote(
  restore: RestoreRef,
  generation: number,
  delivered: DeliveredPart,
  place: Place,
): Promise<string> {
  const key = deliveredKey(folderOf(restore, place), generation, delivered)
  const found = await place.store.readText(key)
  if (found !== undefined) return found.text
  throw new RecordUnreadable(`s3://${place.store.bucket}/${key} is gone. Start another restore.`)
}

/** The ranges that lie on the target. One of which two sums are written down counts as missing. */
export async function deliveredParts(
  restore: RestoreRef,
  generation: number,
  place: Place,
): Promise<Map<number, DeliveredPart>> {
  const found = new Map<number, DeliveredPart>()
  const doubtful = new Set<number>()
  for (const key of await place.store.listKeys(deliveredPrefix(folderOf(restore, place), generation))) {
    const delivered = readDeliveredKey(key)
    if (delivered === undefined) continue
    const { part, crc32 } = delivered
    if (found.has(part) && found.get(part)?.crc32 !== crc32) doubtful.add(part)
    found.set(part, delivered)
  }
  for (const part of doubtful) found.delete(part)
  return found
}
