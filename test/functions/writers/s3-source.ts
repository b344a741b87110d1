/** An object in the embedded S3, as the source of ranges. */
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../functions/aws/s3-archive-store.ts'
import { presignRange } from '../../../functions/aws/s3-presign.ts'
import type { RangeSource } from '../../../functions/writers/writer.ts'

export const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-that-stays-here' }
export const BUCKET = 'archives'

export interface StoredSource extends RangeSource {
  /** Put other bytes under the key. */
  replace(body: Buffer): Promise<void>
  remove(): Promise<void>
}

/** @param endpoint where signed URLs lead, if not to the store itself */
export async function storedSource(
  storeUrl: string,
  key: string,
  body: Buffer,
  endpoint = storeUrl,
): Promise<StoredSource> {
  const at = (url: string) => createS3Client({ endpoint: url, region: 'us-east-1', credentials: KEYS })
  const store = new S3ArchiveStore(at(storeUrl), BUCKET, { random: () => 0.5, sleep: async () => undefined })
  const etag = (await store.writeText(key, body)) ?? ''
  const client = at(endpoint)
  const bytesOf = ({ positionBytes, sizeBytes }: { positionBytes: number; sizeBytes: number }) => {
    return { firstByte: positionBytes, lastByte: positionBytes + sizeBytes - 1, etag }
  }
  return {
    read: (range) => store.readRange(key, bytesOf(range)),
    sign: (range) => presignRange(client, { bucket: BUCKET, key, ...bytesOf(range) }),
    replace: async (other) => void (await store.writeText(key, other)),
    remove: async () => void (await store.remove(key)),
  }
}
