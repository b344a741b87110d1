import { spawn } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createZstdDecompress } from 'node:zlib'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { unpack } from '../../functions/archive-formats/raw-disk/unpack.ts'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import type { GuestOutcome } from '../../functions/contracts/report.ts'
import { formatBytes } from '../../functions/domain/words/byte-size.ts'

/** Sums over a whole stream, computed in one pass. */
interface Sums {
  sizeBytes: number
  sha256: string
  crc32: string
}

/** Fetch an object from S3 and compare it with the file on the node. @throws when a single byte differs */
export async function proveSame(s3: S3Client, bucket: string, key: string, sourceFile: string): Promise<Sums> {
  const there = await sumsOf(await fetchObject(s3, bucket, key))
  const here = await sumsOf(createReadStream(sourceFile))
  if (there.sha256 !== here.sha256 || there.sizeBytes !== here.sizeBytes) {
    throw new Error(`s3://${bucket}/${key} differs from ${sourceFile}: ${JSON.stringify({ there, here })}`)
  }
  return there
}

/** Blocks of a volume, zeros where none were written. */
interface Volume {
  sizeGiB: number
  read(index: number): Uint8Array
}

const BLOCK_BYTES = 512 * 1024

/** The disk in an archive of ours. Node.js's own decompressor stops at the pads between the frames of small parts. */
export function unpackedDisk(archive: Readable): Readable {
  return Readable.from(withZeros(archive))
}

async function* withZeros(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const { sizeBytes, bytes } of unpack(archive)) {
    if (bytes !== undefined) yield bytes
    for (let left = bytes === undefined ? sizeBytes : 0; left > 0; left -= BLOCK_BYTES) {
      yield Buffer.alloc(Math.min(left, BLOCK_BYTES))
    }
  }
}

/** Compare a disk with the volume that it was archived from. @throws when a single byte differs */
export function proveDisk(disk: Readable, volume: Volume, what: string): Promise<Sums> {
  return proveStream(disk, Readable.from(blocksOf(volume)), what)
}

/** Compare what was archived with what it was archived from. @throws when a single byte differs */
export async function proveStream(archived: Readable, source: Readable, what: string): Promise<Sums> {
  const there = await sumsOf(archived)
  const here = await sumsOf(source)
  if (there.sha256 !== here.sha256 || there.sizeBytes !== here.sizeBytes) {
    throw new Error(`${what} holds another disk than its source: ${JSON.stringify({ there, here })}`)
  }
  return there
}

export function* blocksOf(volume: Volume): Generator<Buffer> {
  const count = (volume.sizeGiB * 2 ** 30) / BLOCK_BYTES
  for (let index = 0; index < count; index += 1) yield Buffer.from(volume.read(index))
}

/** List a zstd-compressed tar from S3 with the real `tar`. Returns the member names; `undefined` when there is no tar. */
export async function listWithTar(s3: S3Client, bucket: string, key: string): Promise<string[] | undefined> {
  const tar = spawn('tar', ['--list', '--file', '-'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const missing = new Promise<'missing'>((resolve) => tar.once('error', () => resolve('missing')))
  const listing = (async () => {
    const output = text(tar.stdout)
    const complaints = text(tar.stderr)
    const ended = new Promise<number | null>((resolve) => tar.once('exit', resolve))
    await pipeline(await fetchObject(s3, bucket, key), createZstdDecompress(), tar.stdin)
    if ((await ended) !== 0) throw new Error(`tar can't list s3://${bucket}/${key}: ${await complaints}`)
    return (await output).trimEnd().split('\n')
  })()
  const result = await Promise.race([missing, listing])
  if (result !== 'missing') return result
  await listing.catch(() => undefined)
  return undefined
}

/** The manifest in a few lines. */
export async function manifestInShort(s3: S3Client, bucket: string, outcome: GuestOutcome): Promise<string[]> {
  if (outcome.manifestKey === undefined) throw new Error(`guest ${outcome.id} has no manifest`)
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: outcome.manifestKey }))
  const manifest = manifestSchema.parse(JSON.parse((await Body?.transformToString()) ?? 'null'))
  const { guest, verdict, evidence, artifacts } = manifest
  return [
    `${guest.kind} ${guest.id} ${guest.name} on ${guest.node}, ${manifest.platform} ${manifest.platformVersion}, written by ${manifest.writtenBy}`,
    evidence.archiveName === undefined
      ? `verdict ${verdict.name}: ${evidence.exitStatus}`
      : `verdict ${verdict.name}: exit status ${evidence.exitStatus}, the log names ${evidence.archiveName}, ` +
        `the storage lists it with ${evidence.listed?.sizeBytes} and again ${evidence.listedAgainSizeBytes} bytes`,
    ...artifacts.map(
      ({ fileName, sizeBytes, checksum, partCount }) =>
        `${fileName}  ${formatBytes(sizeBytes)}  ${partCount} part(s)  ${checksum}`,
    ),
  ]
}

export async function fetchObject(s3: S3Client, bucket: string, key: string): Promise<Readable> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  if (!(Body instanceof Readable)) throw new Error(`s3://${bucket}/${key} has no body`)
  return Body
}

async function sumsOf(stream: Readable): Promise<Sums> {
  const hash: Hash = createHash('sha256')
  let sizeBytes = 0
  let sum = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sum = crc32(chunk, sum)
    sizeBytes += chunk.length
  }
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum)
  return { sizeBytes, sha256: hash.digest('hex'), crc32: `CRC32:${bytes.toString('base64')}` }
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
