/**
 * An archive's content as a stream. The restore tools pick the decompressor by the file's name alone, so bytes of
 * another kind fail as that program fails.
 */
import { createReadStream } from 'node:fs'
import { crc32, createGunzip, createZstdDecompress } from 'node:zlib'
import { ExactSource } from '../exact-source.ts'

/** The decompressor's complaint, as it stands in a task's log. */
export class Undecodable extends Error {}

/** How the restore tools call each decompressor; none for a file that isn't compressed. */
export function decompressorOf(file: string): string | undefined {
  if (file.endsWith('.zst')) return 'zstd -q -d -c'
  if (/\.(gz|tgz)$/.test(file)) return 'zcat'
  return file.endsWith('.lzo') ? 'lzop -d -c' : undefined
}

/** @param onBytes told of the file's bytes as they are read, in step with the task's pace */
export function unpacked(
  path: string,
  onBytes: (bytes: number) => Promise<void> = async () => undefined,
): AsyncIterable<Buffer> {
  const file = paced(path, onBytes)
  if (path.endsWith('.zst')) return through(file, createZstdDecompress(), 'zstd: /*stdin*\\')
  if (/\.(gz|tgz)$/.test(path)) return through(file, createGunzip(), 'gzip: stdin')
  return path.endsWith('.lzo') ? fromLzop(file) : file
}

async function* paced(path: string, onBytes: (bytes: number) => Promise<void>): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    yield chunk
    await onBytes(chunk.length)
  }
}

async function* through(
  source: AsyncIterable<Buffer>,
  transform: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>,
  program: string,
): AsyncGenerator<Buffer> {
  let failure: unknown
  const feeding = feed(source, transform).catch((error: unknown) => {
    failure = error
    transform.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  try {
    yield* transform as AsyncIterable<Buffer>
    await feeding
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!/^(Z|ZSTD)_/.test(code)) throw failure ?? error
    const cut = code === 'Z_BUF_ERROR' || /unexpected end/i.test(String(error))
    throw new Undecodable(`${program}: ${cut ? 'unexpected end of file' : (error as Error).message}`)
  } finally {
    transform.destroy()
  }
}

async function feed(source: AsyncIterable<Buffer>, transform: ReturnType<typeof createGunzip>): Promise<void> {
  for await (const chunk of source) {
    if (transform.destroyed) return
    if (!transform.write(chunk)) {
      await new Promise<void>((resolve) => {
        const goOn = () => {
          transform.off('drain', goOn).off('close', goOn)
          resolve()
        }
        transform.on('drain', goOn).on('close', goOn)
      })
    }
  }
  transform.end()
}

const LZOP_MAGIC = Buffer.from([0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a])
const NAME_LENGTH_AT = 24
const CRC32_OF_DATA = 0x100
const ADLER32_OF_DATA = 0x1

/**
 * The blocks of a .lzo file (lzop 1.04). The lab's own archives hold each block as it is (`dumps/lzop.ts`); one that
 * another machine compressed is refused, since nothing in Node expands LZO.
 */
async function* fromLzop(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = new ExactSource(file)
  const exactly = async (bytes: number): Promise<Buffer> => {
    const taken = await source.take(bytes)
    if (taken.length < bytes) throw new Undecodable('lzop: <stdin>: unexpected end of file')
    return taken
  }
  const magic = await source.take(LZOP_MAGIC.length)
  if (!magic.equals(LZOP_MAGIC)) throw new Undecodable('lzop: <stdin>: not a lzop file')
  const head = Buffer.from(await exactly(NAME_LENGTH_AT + 1))
  const name = Buffer.from(await exactly(head.readUInt8(NAME_LENGTH_AT)))
  const sum = (await exactly(4)).readUInt32BE(0)
  if (sum !== crc32(Buffer.concat([head, name]))) throw new Undecodable('lzop: <stdin>: header corrupted')
  const flags = head.readUInt32BE(8)
  for (;;) {
    const length = (await exactly(4)).readUInt32BE(0)
    if (length === 0) return
    const stored = (await exactly(4)).readUInt32BE(0)
    const checksum = (flags & (CRC32_OF_DATA | ADLER32_OF_DATA)) === 0 ? undefined : (await exactly(4)).readUInt32BE(0)
    if (stored !== length) throw new Undecodable('lzop: <stdin>: the lab does not expand compressed blocks')
    const data = await exactly(length)
    if (checksum !== undefined && (flags & CRC32_OF_DATA) !== 0 && checksum !== crc32(data)) {
      throw new Undecodable('lzop: <stdin>: checksum error')
    }
    yield Buffer.from(data)
  }
}
