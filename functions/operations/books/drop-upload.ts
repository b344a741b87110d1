import type { Ports } from '../ports.ts'
import { isOnlyWitness, readUploadRecord, removeUploadRecord } from './upload-record.ts'

/**
 * Abort what is open of an artifact's upload and forget its record, unless that is the only witness of an object. The
 * guest's other archives are left alone: a run whose claim has lapsed may still be filling one.
 */
export async function dropUpload(key: string, ports: Pick<Ports, 'store' | 'keyPrefix' | 'log'>): Promise<void> {
  const kept = await readUploadRecord(ports, key)
  const named = kept?.record === undefined ? [] : [kept.record.uploadId]
  for (const uploadId of new Set([...named, ...(await ports.store.listUploads(key))])) {
    ports.log('upload-aborted', { key, uploadId })
    await ports.store.abortUpload(key, uploadId)
  }
  if (kept !== undefined && !(await isOnlyWitness(kept.record, ports))) await removeUploadRecord(ports, key, kept)
}
