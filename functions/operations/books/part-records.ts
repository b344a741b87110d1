/** Records of an open upload's parts: written before a part is sent, believed while S3 has the part that they are of. */
import type { ArchiveStore } from '../../aws/archive-store.ts'
import type { PartRecord } from '../../contracts/disk-archive.ts'
import { RecordUnreadable } from '../../contracts/errors.ts'
import { partRecordKey, partRecordsPrefix, recordedPart } from '../../domain/books/object-keys.ts'
import { inOrder } from './ordered-lookahead.ts'
import { partRecordShape } from './shapes.ts'
import { readRecord, writeRecord } from './stored-json.ts'

interface Place {
  store: Pick<ArchiveStore, 'bucket' | 'readText' | 'writeText' | 'remove' | 'listKeys'>
  keyPrefix: string
}

const AT_ONCE = 16

/** In place of an earlier one: the part that is sent next is this record's. */
export async function writePartRecord({ store, keyPrefix }: Place, key: string, record: PartRecord): Promise<void> {
  await writeRecord(store, partRecordKey(keyPrefix, key, record.part), partRecordShape, record)
}

/** Of which parts there is a record, by a list: one request for a thousand. */
export async function recordedParts({ store, keyPrefix }: Place, key: string): Promise<Set<number>> {
  const keys = await store.listKeys(partRecordsPrefix(keyPrefix, key))
  return new Set(keys.flatMap((one) => recordedPart(keyPrefix, key, one) ?? []))
}

/** All records. One that can't be read is none: its part is made again. @throws RecordTooNew */
export async function readPartRecords(place: Place, key: string): Promise<Map<number, PartRecord>> {
  const numbers = [...(await recordedParts(place, key))]
  const records = new Map<number, PartRecord>()
  for await (const record of inOrder(numbers, AT_ONCE, (part) => readOne(place, key, part))) {
    if (record !== undefined) records.set(record.part, record)
  }
  return records
}

/** So that the lists show these parts as missing. */
export async function removePartRecords(
  { store, keyPrefix }: Place,
  key: string,
  partNumbers: readonly number[],
): Promise<void> {
  const keys = partNumbers.map((part) => partRecordKey(keyPrefix, key, part))
  for await (const _ of inOrder(keys, AT_ONCE, (one) => store.remove(one)));
}

/** All that was kept of an upload's parts and their plan, once nothing of it is to be made any more. */
export async function removeAllOfParts({ store, keyPrefix }: Place, key: string): Promise<void> {
  const keys = await store.listKeys(partRecordsPrefix(keyPrefix, key))
  for await (const _ of inOrder(keys, AT_ONCE, (one) => store.remove(one)));
}

async function readOne({ store, keyPrefix }: Place, key: string, part: number): Promise<PartRecord | undefined> {
  try {
    const record = await readRecord(store, partRecordKey(keyPrefix, key, part), partRecordShape)
    return record?.part === part ? record : undefined
  } catch (error) {
    if (!(error instanceof RecordUnreadable)) throw error
    return undefined
  }
}
