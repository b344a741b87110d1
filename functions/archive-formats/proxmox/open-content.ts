/** An archive opened to take something out of it: whole in one pass, or, where it isn't compressed, only what is needed. */
import { crc32 } from 'node:zlib'
import type { ArchiveFormat } from '../../contracts/verification.ts'
import type { ArchiveBytes, PassedFile } from '../archive-bytes.ts'
import { ByteCursor } from '../byte-cursor.ts'
import type { ContentCursor } from '../content-cursor.ts'
import { Damage } from '../damage.ts'
import { RangeCursor } from '../range-cursor.ts'
import { peek, TappedSource } from '../tapped-source.ts'
import { decompress } from './decompress.ts'
import { COMPRESSION_MAGIC_BYTES, compressionByMagic, FORMAT_MAGIC_BYTES, formatByMagic } from './magic.ts'
import { readVmaHeader } from './vma-header.ts'

export interface OpenContent {
  format: ArchiveFormat
  content: ContentCursor
  /** Read what is left and say what passed; `undefined` where only parts were read. @throws Damage */
  finish(): Promise<PassedFile | undefined>
  /** Let go of the source, whatever was read. */
  close(): Promise<void>
}

/**
 * @param whole read all of the file, also where parts would do, so that its CRC-32 is known
 * @throws Damage where it is no archive of a format that is known here
 */
export async function openContent(bytes: ArchiveBytes, { whole = false } = {}): Promise<OpenContent> {
  const first = await bytes.read(0, Math.min(bytes.sizeBytes, FORMAT_MAGIC_BYTES))
  const compression = compressionByMagic(first.subarray(0, COMPRESSION_MAGIC_BYTES))
  if (compression === 'none' && !whole && !(await isOneDisk(bytes, first))) {
    const content = new RangeCursor(bytes.read, bytes.sizeBytes)
    const nothing = async () => undefined
    return { format: requireFormat(first, bytes), content, finish: nothing, close: nothing }
  }
  const sum = { crc32: 0 }
  const file = new TappedSource(bytes.stream(), (chunk) => {
    sum.crc32 = crc32(chunk, sum.crc32)
  })
  const unpacked = new TappedSource(decompress(file, compression))
  const start = await peek(unpacked, FORMAT_MAGIC_BYTES)
  return {
    format: requireFormat(start.first, bytes),
    content: new ByteCursor(start.all),
    finish: async () => {
      await unpacked.drain()
      await file.drain()
      return { sizeBytes: file.bytes, crc32: sum.crc32 }
    },
    close: () => file.close(),
  }
}

/** Of a VM with one disk all is read anyway, and its CRC-32 can be compared. */
async function isOneDisk(bytes: ArchiveBytes, first: Buffer): Promise<boolean> {
  if (formatByMagic(first) !== 'vma') return false
  const { devices } = await readVmaHeader(new RangeCursor(bytes.read, bytes.sizeBytes))
  return devices.length === 1
}

function requireFormat(first: Buffer, { fileName }: ArchiveBytes): ArchiveFormat {
  const format = formatByMagic(first)
  if (format !== undefined) return format
  throw new Damage('format', `${fileName} holds neither a VMA nor a tar.`, 'content', 0)
}
