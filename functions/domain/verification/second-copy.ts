/** Whether another bucket holds an archive, too: by what that bucket's own S3 says of each object. Pure. */
import type { ShownLock } from '../../contracts/object-lock.ts'
import { crc32ToBase64 } from '../transfer/crc32.ts'
import { lockLost } from '../transfer/object-lock.ts'

/** A file as the first bucket's manifest has it. */
export interface OriginalFile {
  key: string
  sizeBytes: number
  /** `CRC32:` and the base64 value. */
  checksum: string
  /** Of the first bucket, when the manifest was written. */
  lock?: ShownLock | undefined
}

/** What the second bucket's S3 says of an object. */
export interface CopiedObject {
  sizeBytes: number
  /** Unsigned; absent where that store keeps no CRC-32 over the whole object. */
  crc32?: number
  lock?: ShownLock
}

/**
 * Why a file isn't proved to be there: a sentence without its end. `undefined` when it is. An ETag proves nothing here: it
 * depends on how an object was uploaded, and a copy may be made of other parts.
 */
export function copyShortfall(
  { key, sizeBytes, checksum, lock }: OriginalFile,
  object: CopiedObject | undefined,
  where: string,
  now: Date,
): string | undefined {
  const at = `${where}/${key}`
  if (object === undefined) return `${at} is not there`
  if (object.sizeBytes !== sizeBytes) return `${at} has ${object.sizeBytes} bytes in place of ${sizeBytes}`
  if (object.crc32 === undefined) return `${at} has no CRC-32 over the whole object, so that nothing proves its bytes`
  const sum = `CRC32:${crc32ToBase64(object.crc32)}`
  if (sum !== checksum) return `${at} has ${sum}, and the archive has ${checksum}`
  const lost = lock === undefined ? undefined : lockLost(lock, object.lock, now)
  return lost === undefined ? undefined : `${at} is not locked as the first copy was: ${lost}`
}
