import type { Guest } from '../../functions/contracts/nouns.ts'
import { archiveFolder, manifestKey } from '../../functions/domain/books/object-keys.ts'
import { manifestOf } from './manifest.ts'
import type { VersionedBucket } from './versioned-bucket.ts'

/** Put a small whole archive of a guest at site hq into a bucket. Returns its folder. */
export async function putArchive(
  bucket: VersionedBucket,
  guest: Guest,
  createdAt: string,
  { keyPrefix = '', text = 'vma' } = {},
): Promise<string> {
  const folder = archiveFolder(keyPrefix, 'hq', guest, createdAt)
  const manifest = manifestOf(createdAt, [text.length], guest)
  const key = `${folder}file`
  await bucket.put(key, text)
  const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key, fileName: 'file' }))
  await bucket.put(manifestKey(folder), JSON.stringify({ ...manifest, artifacts }))
  return folder
}
