/** One disk of a VM's archive becomes an object that a platform imports, in the region; and the object is read back. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Damage } from '../../archive-formats/damage.ts'
import { extractDisk } from '../../archive-formats/proxmox/extract-disk.ts'
import { NoSuchContent } from '../../archive-formats/archive-bytes.ts'
import type { ArchiveBytes } from '../../archive-formats/archive-bytes.ts'
import {
  MOST_QCOW2_BYTES,
  mostQcow2Bytes,
  QCOW2_CLUSTER_BYTES,
  Qcow2Image,
} from '../../archive-formats/qcow2/qcow2-image.ts'
import { ChecksumMismatch, NotAnArchive, RestoreRefused, UploadVanished } from '../../contracts/errors.ts'
import type { ImportedDisk, RestoredArchive, RestoreRecord } from '../../contracts/restore-record.ts'
import { planParts } from '../../domain/transfer/part-plan.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { sentence } from '../../domain/words/sentence.ts'
import type { Ports } from '../ports.ts'
import { readObject } from '../verification/read-object.ts'
import { type ImageTarget, ImageUpload } from './image-upload.ts'

type Needs = Pick<Ports, 'store' | 'remainingMilliseconds' | 'log'>

type Image = NonNullable<ImportedDisk['image']>

/** What is under way when time is called: parts that S3 may be asked to take several times, and the record's own writing. */
const RESERVE_MILLISECONDS = 60_000
/** Parts of a larger one don't fit into the function's memory. */
export const MOST_DISK_BYTES = Math.min(MOST_QCOW2_BYTES, 4 * 2 ** 40)

/**
 * Take a disk out of the archive, in one pass over all of it, and prove both: the archive by its CRC-32, the object by its
 * own. Begun again, it sends those parts alone that S3 lacks.
 * @param noteUpload writes down an upload, before anything is sent to it
 * @throws RestoreRefused when there isn't time for it; NotAnArchive, ChecksumMismatch, ArchiveConflict, ObjectFrozen, and
 * the store's errors
 */
export async function unpackDisk(
  { archive, request }: Pick<RestoreRecord, 'archive' | 'request'>,
  disk: ImportedDisk,
  noteUpload: (uploadId: string) => Promise<void>,
  ports: Needs,
): Promise<Image> {
  const { store } = ports
  const where = `s3://${store.bucket}/${archive.key}`
  const { withoutCrc = false } = archive
  const earlier = await earlierUpload(disk, withoutCrc, ports)
  if ('image' in earlier) return earlier.image
  const made: { image?: Qcow2Image; upload?: ImageUpload } = {}
  try {
    const { passed } = await extractDisk(
      sourceOf(archive, `${disk.disk} of ${where}`, ports),
      disk.device,
      async ({ sizeBytes }) => {
        if (sizeBytes > MOST_DISK_BYTES) throw tooLarge(disk, sizeBytes, request.site)
        const { partSizeBytes } = planParts(mostQcow2Bytes(sizeBytes))
        const open = () => (withoutCrc ? store.bare.create(disk.key) : store.createUpload(disk.key))
        const uploadId = earlier.uploadId ?? (await open())
        if (uploadId !== disk.uploadId) await noteUpload(uploadId)
        const { there } = earlier
        const upload = new ImageUpload(store, {
          key: disk.key,
          uploadId,
          partSizeBytes,
          headBytes: QCOW2_CLUSTER_BYTES,
          there,
          withoutCrc,
        })
        const image = new Qcow2Image({ sizeBytes, emit: (bytes) => upload.take(bytes) })
        Object.assign(made, { image, upload })
        return image
      },
      { whole: true },
    )
    const { image, upload } = made
    if (passed?.crc32 !== archive.crc32 || image === undefined || upload === undefined) {
      throw new ChecksumMismatch(
        `${where} was read whole, and hasn't the CRC-32 of its manifest. Restore another archive.`,
      )
    }
    const { header } = await image.finish()
    const object = await upload.complete(header)
    ports.log('disk-unpacked', { key: disk.key, sizeBytes: object.sizeBytes, sentParts: upload.sentParts })
    return { etag: object.etag, sizeBytes: object.sizeBytes, crc32: object.crc32 }
  } catch (error) {
    if (error instanceof Damage || error instanceof NoSuchContent) {
      throw new NotAnArchive(sentence(`${where}: ${error.message}`))
    }
    throw error
  } finally {
    await made.upload?.settle()
  }
}

/**
 * Read an image back, in order, for the sum that the platform compares.
 * @throws ChecksumMismatch when it isn't what S3 took; RestoreRefused when there isn't time for it; the store's errors
 */
export async function hashImage(disk: ImportedDisk, image: Image, ports: Needs): Promise<string> {
  const { store } = ports
  const where = `s3://${store.bucket}/${disk.key}`
  const hash = createHash('sha256')
  let sum = 0
  for await (const chunk of inTime(readObject(store, disk.key, image), where, image.sizeBytes, ports)) {
    hash.update(chunk)
    sum = crc32(chunk, sum)
  }
  if (sum !== image.crc32) {
    throw new ChecksumMismatch(`${where} was read back, and hasn't the CRC-32 that it was stored with. Restore again.`)
  }
  return hash.digest('hex')
}

/** What an earlier call left: the whole object, or an upload with some parts. */
async function earlierUpload(
  { key, uploadId }: ImportedDisk,
  withoutCrc: boolean,
  { store }: Needs,
): Promise<{ image: Image } | { uploadId?: string; there: ImageTarget['there'] }> {
  if (uploadId === undefined) return { there: [] }
  try {
    return { uploadId, there: await (withoutCrc ? store.bare : store).listParts(key, uploadId) }
  } catch (error) {
    if (!(error instanceof UploadVanished)) throw error
    // Only what was unpacked to its end and proved is ever completed, and nobody else writes under the key.
    const object = await store.head(key)
    if (object?.crc32 === undefined) {
      // What it was to be isn't known any more, so it is made again.
      if (withoutCrc && object !== undefined) await store.remove(key, { etag: object.etag })
      return { there: [] }
    }
    return { image: { etag: object.etag, sizeBytes: object.sizeBytes, crc32: object.crc32 } }
  }
}

function sourceOf(archive: RestoredArchive, what: string, ports: Needs): ArchiveBytes {
  const { store } = ports
  const { key, etag, sizeBytes, fileName } = archive
  return {
    fileName,
    sizeBytes,
    stream: () => inTime(readObject(store, key, { sizeBytes, etag }), what, sizeBytes, ports),
    read: (firstByte, bytes) => store.readRange(key, { firstByte, lastByte: firstByte + bytes - 1, etag }),
  }
}

/** @throws RestoreRefused when time runs out before the end: no later call would get further */
async function* inTime(
  source: AsyncIterable<Buffer>,
  what: string,
  sizeBytes: number,
  { remainingMilliseconds }: Needs,
): AsyncGenerator<Buffer> {
  let readBytes = 0
  for await (const chunk of source) {
    yield chunk
    readBytes += chunk.length
    if (readBytes < sizeBytes && remainingMilliseconds() < RESERVE_MILLISECONDS) {
      throw new RestoreRefused(
        `${what} can't be read within the time of one function: ${formatBytes(readBytes)} of ${formatBytes(sizeBytes)} were. ${otherWays}`,
      )
    }
  }
}

const otherWays = 'Restore it with delivery "pull" or "sftp", which go on where they were.'

function tooLarge({ disk }: ImportedDisk, sizeBytes: number, site: string): RestoreRefused {
  return new RestoreRefused(
    `Site ${site}: ${disk} has ${formatBytes(sizeBytes)}, and import takes disks of up to ${formatBytes(MOST_DISK_BYTES)}. ${otherWays}`,
  )
}
