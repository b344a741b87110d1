/** The archive that a person names: a file of this machine, or an object of a bucket. */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ArchiveBytes, PassedFile } from '../../../functions/archive-formats/archive-bytes.ts'
import { diskNameOf } from '../../../functions/archive-formats/raw-disk/file-name.ts'
import { RecordTooNew, RecordUnreadable } from '../../../functions/contracts/errors.ts'
import type { Manifest } from '../../../functions/contracts/manifest.ts'
import { contentIndexKey, folderOf, MANIFEST_NAME, manifestKey } from '../../../functions/domain/books/object-keys.ts'
import { crc32ToBase64 } from '../../../functions/domain/transfer/crc32.ts'
import { type IndexBytes, IndexUnusable } from '../../../functions/operations/books/content-index.ts'
import { manifestShape } from '../../../functions/operations/books/shapes.ts'
import { readRecord } from '../../../functions/operations/books/stored-json.ts'
import type { Sought } from '../../../functions/operations/catalogue/find-archive.ts'
import { readObject } from '../../../functions/operations/verification/read-object.ts'
import { CliError } from '../../run/cli-error.ts'
import { oneArchive } from '../archives/one-archive.ts'
import { manifestFor } from '../archives/verify-local.ts'
import { type OpenBucket, openBucket } from '../bucket-store.ts'

export interface ArchiveSource extends ArchiveBytes {
  /** For messages. */
  place: string
  /** `CRC32:…` of the whole file, and who says so. */
  expected?: { checksum: string; by: string }
  /** Disks of the whole archive, where each is a file of its own. */
  disks?: readonly ArchivedDisk[]
  /** As the store has it now; absent for a file of this machine. */
  etag?: string
  /** The index of its members that lies beside it, if there is one. */
  index(): Promise<IndexBytes | undefined>
  close(): Promise<void>
}

/** A disk that is a file of its archive. */
export interface ArchivedDisk {
  name: string
  sizeBytes: number
  /** Of its file. */
  storedBytes: number
}

export interface SourceOptions {
  /** Where each disk is a file of its own, the one that is meant. */
  disk?: string
  bucket?: string
  s3?: string
  prefix?: string
  site?: string
  /** ISO instant. */
  at?: string
}

/**
 * @param archive a file of this machine; with a bucket, a key, or an address that means one archive
 * @throws CliError, ArchiveUnknown when there is no such archive
 */
export async function openSource(archive: string, options: SourceOptions): Promise<ArchiveSource> {
  const [, namedBucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(archive) ?? []
  if (namedBucket !== undefined && options.bucket !== undefined && namedBucket !== options.bucket) {
    throw new CliError(`${archive} is not in the bucket ${options.bucket}: name one of them.`)
  }
  const bucket = namedBucket ?? options.bucket
  return bucket === undefined ? localFile(archive) : stored(key ?? archive, { ...options, bucket })
}

const READ_BYTES = 1024 * 1024

async function localFile(path: string): Promise<ArchiveSource> {
  const refuse = (error: Error): never => {
    throw new CliError(`${path} can't be read: ${error.message}. For an object of a bucket, name it with --bucket.`)
  }
  const file = await open(path, 'r').catch(refuse)
  const found = await file.stat()
  if (!found.isFile()) {
    await file.close()
    throw new CliError(`${path} is not a file.`)
  }
  const fileName = basename(path)
  const { manifest } = await manifestFor(path, undefined)
  const expected = expectedIn(manifest, fileName)
  return {
    place: path,
    fileName,
    sizeBytes: found.size,
    stream: () => createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>,
    async read(firstByte, bytes) {
      const range = Buffer.allocUnsafe(bytes)
      const { bytesRead } = await file.read(range, 0, bytes, firstByte)
      if (bytesRead < bytes) throw new CliError(`${path} became shorter while it was read.`)
      return range
    },
    ...(expected === undefined ? {} : { expected }),
    index: () => localIndex(contentIndexKey(path)),
    close: () => file.close(),
  }
}

async function stored(given: string, options: SourceOptions & { bucket: string }): Promise<ArchiveSource> {
  const { store, keyPrefix } = openBucket(options)
  const key = await keyOf(given, options, { store, keyPrefix })
  const folder = folderOf(key.endsWith('/') ? key : `${key}/`)
  const manifest = await readRecord(store, manifestKey(folder), manifestShape).catch((error: unknown) => {
    if (error instanceof RecordUnreadable || error instanceof RecordTooNew) return undefined
    throw error
  })
  const name = key.startsWith(folder) ? key.slice(folder.length) : ''
  const fileName =
    name === '' || name === MANIFEST_NAME ? fileOf(manifest, `s3://${options.bucket}/${folder}`, options.disk) : name
  const objectKey = `${folder}${fileName}`
  const object = await store.head(objectKey)
  const place = `s3://${options.bucket}/${objectKey}`
  if (object === undefined) throw new CliError(`There is no ${place}. To find an archive: guestlift list.`)
  const ofStore = object.crc32 === undefined ? undefined : `CRC32:${crc32ToBase64(object.crc32)}`
  const expected =
    expectedIn(manifest, fileName) ?? (ofStore === undefined ? undefined : { checksum: ofStore, by: 'S3' })
  return {
    place,
    fileName,
    sizeBytes: object.sizeBytes,
    stream: () => readObject(store, objectKey, object),
    read: (firstByte, bytes) =>
      store.readRange(objectKey, { firstByte, lastByte: firstByte + bytes - 1, etag: object.etag }),
    ...(expected === undefined ? {} : { expected }),
    etag: object.etag,
    disks: disksIn(manifest),
    index: () => storedIndex(contentIndexKey(objectKey), store),
    close: async () => undefined,
  }
}

async function localIndex(path: string): Promise<IndexBytes | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  return {
    sizeBytes: found.size,
    async read(firstByte, bytes) {
      const file = await open(path, 'r')
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, firstByte)
        if (bytesRead < bytes) throw new IndexUnusable('it became shorter while it was read')
        return buffer
      } finally {
        await file.close()
      }
    },
  }
}

async function storedIndex(key: string, store: OpenBucket['store']): Promise<IndexBytes | undefined> {
  const object = await store.head(key)
  if (object === undefined) return undefined
  const { sizeBytes, etag } = object
  return {
    sizeBytes,
    read: (firstByte, bytes) => store.readRange(key, { firstByte, lastByte: firstByte + bytes - 1, etag }),
  }
}

/** A copy of a bucket may have another prefix than it is read with: a key is known by its shape. */
async function keyOf(given: string, sought: Sought, ports: Pick<OpenBucket, 'store' | 'keyPrefix'>): Promise<string> {
  if (/(?:^|\/)(?:vm|container)-[^/]+\/\d{4}-/.test(given)) {
    return given.startsWith(ports.keyPrefix) ? given : `${ports.keyPrefix}${given}`
  }
  return (await oneArchive(given, sought, ports)).folder
}

function disksIn(manifest: Manifest | undefined): ArchivedDisk[] {
  return (manifest?.artifacts ?? []).flatMap(({ fileName, sizeBytes: storedBytes, content }) =>
    content === undefined ? [] : [{ name: diskNameOf(fileName), sizeBytes: content.sizeBytes, storedBytes }],
  )
}

/** The archive's only file; of disks that are files of their own, the one that is meant, or any where none is. */
function fileOf(manifest: Manifest | undefined, folder: string, disk: string | undefined): string {
  if (manifest === undefined)
    throw new CliError(
      `There is no manifest that can be read in ${folder}. Name the file itself, or the folder that guestlift show prints.`,
    )
  const [only, ...others] = manifest.artifacts
  if (only !== undefined && others.length === 0) return only.fileName
  const disks = disksIn(manifest)
  const meant = manifest.artifacts.find(({ fileName }) => disk === undefined || diskNameOf(fileName) === disk)
  if (disks.length === manifest.artifacts.length && meant !== undefined) return meant.fileName
  if (disks.length > 0 && disk !== undefined) {
    throw new CliError(
      `The archive in ${folder} holds no disk ${disk}. It holds: ${disks.map(({ name }) => name).join(', ')}.`,
    )
  }
  const names = manifest.artifacts.map(({ fileName }) => fileName).join(', ')
  throw new CliError(`The archive in ${folder} has several files. Name one of them: ${names}.`)
}

function expectedIn(manifest: Manifest | undefined, fileName: string): ArchiveSource['expected'] {
  const artifact = manifest?.artifacts.find((one) => one.fileName === fileName)
  return artifact === undefined ? undefined : { checksum: artifact.checksum, by: 'its manifest' }
}

/**
 * Whether the file that was read is the one that was archived, as a sentence.
 * @throws CliError when it is another one
 */
export function judgePassed({ place, expected }: ArchiveSource, passed: PassedFile | undefined): string {
  if (passed === undefined) {
    return 'Only parts of the archive were read, so its CRC-32 was not compared. guestlift verify reads it whole.'
  }
  if (expected === undefined) return 'Nothing states the CRC-32 of the archive, so it was compared with nothing.'
  const checksum = `CRC32:${crc32ToBase64(passed.crc32)}`
  if (checksum === expected.checksum) return `The archive has the CRC-32 that ${expected.by} states.`
  throw new CliError(
    `${place} has the checksum ${checksum}, and ${expected.by} states ${expected.checksum}: it is damaged or another file. Nothing was kept of it.`,
  )
}
