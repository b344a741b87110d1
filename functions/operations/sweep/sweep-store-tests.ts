import { QUIET_HOURS } from '../../domain/sweep/abandoned-upload.ts'
import { storeTestsPrefix } from '../../domain/books/object-keys.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log'>

/**
 * Remove what tests of the store left behind, since they died or the store did: they take seconds, so what is a day old
 * is nobody's. Ages are S3's own. Returns how many uploads and objects that were.
 */
export async function sweepStoreTests(dryRun: boolean, { store, keyPrefix, now, log }: Needs): Promise<number> {
  const oldest = new Date(now().getTime() - QUIET_HOURS * 3_600_000).toISOString()
  const prefix = storeTestsPrefix(keyPrefix)
  let removed = 0
  for (const { key, uploadId, openedAt } of await store.listUploadsBelow(prefix)) {
    if (openedAt > oldest) continue
    if (!dryRun) await store.abortUpload(key, uploadId)
    removed += 1
    log('store-test-removed', { key, uploadId, openedAt, dryRun })
  }
  for (const { key, writtenAt } of await store.listDatedKeys(prefix)) {
    if (writtenAt > oldest) continue
    if (!dryRun) await store.remove(key)
    removed += 1
    log('store-test-removed', { key, writtenAt, dryRun })
  }
  return removed
}
