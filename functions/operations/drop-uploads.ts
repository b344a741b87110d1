import type { PlanItem } from '../contracts/tasks.ts'
import { archiveGuestFolder, uploadRecordKey } from '../domain/object-keys.ts'
import type { Ports } from './ports.ts'
import { parseUploadRecord } from './upload-record.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'log'>

/**
 * Abort what is open of this guest's uploads and forget the records. Only for the holder of the guest's claim: nobody
 * else has an upload of this guest then.
 */
export async function dropUploads(item: PlanItem, ports: Needs): Promise<void> {
  const { store, keyPrefix } = ports
  const records = uploadRecordKey(keyPrefix, archiveGuestFolder(keyPrefix, item.site, item.guest)).replace(
    /\.json$/,
    '',
  )
  for (const recordKey of await store.listKeys(records)) {
    const record = parseUploadRecord((await store.readText(recordKey))?.text ?? '')
    if (record !== undefined) {
      for (const uploadId of new Set([record.uploadId, ...(await store.listUploads(record.key))])) {
        ports.log('upload-aborted', { site: item.site, guest: item.guest.id, key: record.key, uploadId })
        await store.abortUpload(record.key, uploadId)
      }
    }
    await store.remove(recordKey)
  }
}
