import { REPEAT_WINDOW_DAYS } from '../../contracts/sweep.ts'
import {
  allPartRecordsPrefix,
  partRecordedKey,
  recordedKey,
  uploadRecordKey,
  uploadRecordsPrefix,
} from '../../domain/books/object-keys.ts'
import { isThere } from '../books/is-there.ts'
import { removeAllOfParts } from '../books/part-records.ts'
import { unlessUnreadable } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'
import { sweepStoreTests } from './sweep-store-tests.ts'
import { isOnlyWitness, readUploadRecord, removeUploadRecord } from '../books/upload-record.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

/**
 * Forget uploads that are gone (expired, or aborted by hand) once no run can ask for them any more. What goes wrong is
 * told and stops nothing: the uploads that were dropped have to be reported. One that alone proves an object stays.
 * What tests of the store left goes with them.
 */
export async function removeStaleRecords(
  open: ReadonlySet<string>,
  dryRun: boolean,
  outOfTime: () => boolean,
  { store, keyPrefix, now, log }: Needs,
): Promise<{ removedRecords: number; removedTests: number; recordTrouble?: string }> {
  let [removedRecords, removedTests] = [0, 0]
  let unreadable = 0
  try {
    removedTests = await sweepStoreTests(dryRun, { store, keyPrefix, now, log })
    const oldest = new Date(now().getTime() - REPEAT_WINDOW_DAYS * 24 * 3_600_000).toISOString()
    for (const { key, writtenAt } of await store.listDatedKeys(uploadRecordsPrefix(keyPrefix))) {
      if (outOfTime()) break
      // Ages are S3's own: it dates a record when an upload is opened and again just before it is completed.
      const about = recordedKey(keyPrefix, key)
      if (writtenAt > oldest || open.has(about)) continue
      const kept = await unlessUnreadable(readUploadRecord({ store, keyPrefix }, about))
      if (kept === 'unreadable') unreadable += 1
      if (kept === undefined || kept === 'unreadable' || (await isOnlyWitness(kept.record, { store }))) continue
      if (!dryRun && !(await removeUploadRecord({ store, keyPrefix }, about, kept))) continue
      removedRecords += 1
      log('upload-record-removed', { key, writtenAt, dryRun })
    }
    await removeOrphanedParts(oldest, open, dryRun, outOfTime, { store, keyPrefix, log })
  } catch (error) {
    return { removedRecords, removedTests, recordTrouble: error instanceof Error ? error.message : String(error) }
  }
  if (unreadable === 0) return { removedRecords, removedTests }
  const which = `${unreadable === 1 ? 'one' : unreadable} below ${uploadRecordsPrefix(keyPrefix)} can't be read`
  return {
    removedRecords,
    removedTests,
    recordTrouble: `${which} and may hold the only checksum of an object; look at it`,
  }
}

/** What was kept of parts goes with the upload's record. A call that died in between leaves it without one. */
async function removeOrphanedParts(
  oldest: string,
  open: ReadonlySet<string>,
  dryRun: boolean,
  outOfTime: () => boolean,
  { store, keyPrefix, log }: Pick<Needs, 'store' | 'keyPrefix' | 'log'>,
): Promise<void> {
  const newest = new Map<string, string>()
  for (const { key, writtenAt } of await store.listDatedKeys(allPartRecordsPrefix(keyPrefix))) {
    const about = partRecordedKey(keyPrefix, key)
    if (writtenAt > (newest.get(about) ?? '')) newest.set(about, writtenAt)
  }
  for (const [about, writtenAt] of newest) {
    if (outOfTime()) return
    if (writtenAt > oldest || open.has(about) || (await isThere(store, uploadRecordKey(keyPrefix, about)))) continue
    if (!dryRun) await removeAllOfParts({ store, keyPrefix }, about)
    log('part-records-removed', { key: about, writtenAt, dryRun })
  }
}
