/** The file format of `lzop` (its own conf.h and lzop.c say the layout): header, blocks with their sums, end mark. */
import { crc32 } from 'node:zlib'
import { adler32 } from './adler32.ts'
import { ByteCursor } from '../byte-cursor.ts'
import { Damage } from '../damage.ts'
import { decompressLzo1x } from './lzo1x.ts'

const MAGIC_BYTES = 9
const PIECE_BYTES = 64 * 1024
/** lzop itself makes blocks of 256 KiB and reads up to 64 MiB. */
const MOST_BLOCK_BYTES = 64 * 1024 * 1024

const flag = {
  adler32OfContent: 0x1,
  adler32OfData: 0x2,
  extraField: 0x40,
  crc32OfContent: 0x100,
  crc32OfData: 0x200,
  multipart: 0x400,
  filter: 0x800,
  crc32OfHeader: 0x1000,
} as const

export interface LzopFacts {
  parts: number
  partsWithoutChecksum: number
}

/** The content, a block at a time. @throws Damage */
export async function* decompressLzop(source: AsyncIterable<Buffer>, facts: LzopFacts): AsyncGenerator<Buffer> {
  const file = new ByteCursor(source)
  for (;;) {
    const at = file.offset
    const magic = await file.take(MAGIC_BYTES)
    if (facts.parts > 0 && isZero(magic)) return readZeroes(file)
    const isLzop = magic.toString('latin1') === '\x89LZO\0\r\n\x1a\n'
    if (isLzop && facts.parts > 0) {
      const message = `Another lzop file follows at byte ${at}: "lzop -d", as a restore runs it, takes that for an error.`
      throw damage('lzop-multipart', message, at)
    }
    if (!isLzop) {
      const code = facts.parts === 0 ? 'lzop-magic' : 'lzop-trailing-data'
      throw damage(code, `What stands at byte ${at} is no lzop file.`, at)
    }
    const flags = await readHeader(file)
    facts.parts += 1
    if ((flags & (flag.adler32OfContent | flag.crc32OfContent)) === 0) facts.partsWithoutChecksum += 1
    yield* readBlocks(file, flags)
  }
}

/** lzop accepts zeroes after its end mark and nothing else (lzop 1.04). */
async function readZeroes(file: ByteCursor): Promise<void> {
  for (;;) {
    const at = file.offset
    const more = await file.take(PIECE_BYTES)
    if (!isZero(more))
      throw damage('lzop-trailing-data', `Something follows the lzop file, at or after byte ${at}.`, at)
    if (more.length < PIECE_BYTES) return
  }
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0)

const damage = (code: string, message: string, offset: number): Damage => new Damage(code, message, 'file', offset)

async function exactly(file: ByteCursor, bytes: number): Promise<Buffer> {
  const taken = await file.take(bytes)
  if (taken.length < bytes) {
    throw damage('lzop-cut-short', `The lzop file ends at byte ${file.offset} without its end mark.`, file.offset)
  }
  return taken
}

/** Everything from version to name is under the header's sum. Returns the flags. */
async function readHeader(file: ByteCursor): Promise<number> {
  const at = file.offset
  // version, library's version, version needed to read it; method, level; flags
  const fixed = Buffer.from(await exactly(file, 12))
  const [needed, method, flags] = [fixed.readUInt16BE(4), fixed.readUInt8(6), fixed.readUInt32BE(8)]
  // Older ones have another layout. No lzop since 1997 writes them.
  if (fixed.readUInt16BE(0) < 0x0940) throw damage('lzop-version', `The lzop header at byte ${at} is too old.`, at)
  const filter = (flags & flag.filter) === 0 ? Buffer.alloc(0) : Buffer.from(await exactly(file, 4))
  // mode, time in two words, length of the name
  const rest = Buffer.from(await exactly(file, 13))
  const name = Buffer.from(await exactly(file, rest.readUInt8(12)))
  const sum = (await exactly(file, 4)).readUInt32BE(0)
  if (sum !== sumOf(Buffer.concat([fixed, filter, rest, name]), flags)) {
    throw damage('lzop-header-checksum', `The lzop header at byte ${at} does not fit its checksum.`, at)
  }
  if (method < 1 || method > 3 || needed > 0x1040 || (flags & (flag.filter | flag.multipart)) !== 0) {
    throw damage('lzop-unsupported', `The lzop header at byte ${at} asks for method ${method}, flags ${flags}.`, at)
  }
  if ((flags & flag.extraField) !== 0) {
    const length = Buffer.from(await exactly(file, 4))
    if (length.readUInt32BE(0) > MOST_BLOCK_BYTES)
      throw damage('lzop-header', `The lzop header at ${at} is damaged.`, at)
    const extra = Buffer.from(await exactly(file, length.readUInt32BE(0)))
    if ((await exactly(file, 4)).readUInt32BE(0) !== sumOf(Buffer.concat([length, extra]), flags)) {
      throw damage('lzop-header-checksum', `The extra field of the lzop header at byte ${at} is damaged.`, at)
    }
  }
  return flags
}

const sumOf = (bytes: Buffer, flags: number): number =>
  (flags & flag.crc32OfHeader) === 0 ? adler32(bytes) : crc32(bytes)

async function* readBlocks(file: ByteCursor, flags: number): AsyncGenerator<Buffer> {
  for (;;) {
    const at = file.offset
    const contentBytes = (await exactly(file, 4)).readUInt32BE(0)
    if (contentBytes === 0) return
    const dataBytes = (await exactly(file, 4)).readUInt32BE(0)
    if (contentBytes > MOST_BLOCK_BYTES || dataBytes > contentBytes || dataBytes === 0) {
      throw damage('lzop-block', `The lzop block at byte ${at} has impossible sizes.`, at)
    }
    const stored = dataBytes === contentBytes
    const ofContent = await readSums(file, (flags & flag.adler32OfContent) !== 0, (flags & flag.crc32OfContent) !== 0)
    // The sums of the compressed data are left out where nothing was compressed.
    const [adler, crc] = [(flags & flag.adler32OfData) !== 0, (flags & flag.crc32OfData) !== 0]
    const ofData = stored ? {} : await readSums(file, adler, crc)
    const data = await exactly(file, dataBytes)
    requireSums(data, ofData, `The data of the lzop block at byte ${at}`, at)
    const content = stored ? data : decompressed(data, contentBytes, at)
    requireSums(content, ofContent, `What the lzop block at byte ${at} holds`, at)
    yield content
  }
}

interface Sums {
  adler?: number
  crc?: number
}

async function readSums(file: ByteCursor, adler: boolean, crc: boolean): Promise<Sums> {
  const sums: Sums = {}
  if (adler) sums.adler = (await exactly(file, 4)).readUInt32BE(0)
  if (crc) sums.crc = (await exactly(file, 4)).readUInt32BE(0)
  return sums
}

function requireSums(bytes: Buffer, { adler, crc }: Sums, what: string, at: number): void {
  if ((adler !== undefined && adler32(bytes) !== adler) || (crc !== undefined && crc32(bytes) !== crc)) {
    throw damage('lzop-checksum', `${what} does not fit its checksum.`, at)
  }
}

function decompressed(data: Buffer, contentBytes: number, at: number): Buffer {
  const content = Buffer.allocUnsafeSlow(contentBytes)
  try {
    decompressLzo1x(data, content)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw damage('lzop-data', `The lzop block at byte ${at} can't be decompressed.`, at)
  }
  return content
}
