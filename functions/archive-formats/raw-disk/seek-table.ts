/**
 * The seek table at the end of a disk's archive: Zstandard Seekable Format 0.1.0 (facebook/zstd,
 * contrib/seekable_format/zstd_seekable_compression_format.md). A skippable frame for whoever doesn't know it.
 */
import type { FrameEntry } from '../../contracts/disk-archive.ts'
import { Damage } from '../damage.ts'

export const SEEK_TABLE_MAGIC = 0x184d2a5e
const SEEKABLE_MAGIC = 0x8f92eab1
const HEADER_BYTES = 8
/** Number of frames, descriptor, and the magic number that the file ends with. */
export const FOOTER_BYTES = 9
const ENTRY_BYTES = 12
/** RFC 8878: magic, two bytes of header, and the header of one block. */
const SMALLEST_FRAME_BYTES = 9
const BARE_ENTRY_BYTES = 8
/** Entries have the frames' checksums. */
const CHECKSUMS = 0x80
/** By the format. */
const MAX_FRAMES = 2 ** 27

/** What the table says of a frame. Without checksums where its writer left them out. */
export interface SeekEntry {
  storedBytes: number
  diskBytes: number
  checksum?: number
}

/** @throws RangeError for more frames than the format allows */
export function seekTable(frames: readonly FrameEntry[]): Buffer {
  const count = frames.reduce((sum, [, , , , times]) => sum + times, 0)
  if (count > MAX_FRAMES) throw new RangeError(`a seek table of ${count} frames: the format allows ${MAX_FRAMES}`)
  const bytes = Buffer.alloc(HEADER_BYTES + count * ENTRY_BYTES + FOOTER_BYTES)
  bytes.writeUInt32LE(SEEK_TABLE_MAGIC)
  bytes.writeUInt32LE(bytes.length - HEADER_BYTES, 4)
  let at = HEADER_BYTES
  for (const [stored, disk, checksum, , times] of frames) {
    for (let time = 0; time < times; time += 1) {
      bytes.writeUInt32LE(stored, at)
      bytes.writeUInt32LE(disk, at + 4)
      bytes.writeUInt32LE(checksum, at + 8)
      at += ENTRY_BYTES
    }
  }
  bytes.writeUInt32LE(count, at)
  bytes.writeUInt8(CHECKSUMS, at + 4)
  bytes.writeUInt32LE(SEEKABLE_MAGIC, at + 5)
  return bytes
}

/**
 * How long the table is by its footer, header included; `undefined` when a file doesn't end with a table.
 * @param footer the last nine bytes of the file
 */
export function seekTableBytes(footer: Buffer): number | undefined {
  if (footer.length !== FOOTER_BYTES || footer.readUInt32LE(5) !== SEEKABLE_MAGIC) return undefined
  const entryBytes = (footer.readUInt8(4) & CHECKSUMS) === 0 ? BARE_ENTRY_BYTES : ENTRY_BYTES
  return HEADER_BYTES + footer.readUInt32LE(0) * entryBytes + FOOTER_BYTES
}

/**
 * Entries in order, made as they are asked for: there may be millions.
 * @param bytes the whole skippable frame
 * @param offset where it lies in the file
 * @throws Damage
 */
export function* readSeekTable(bytes: Buffer, offset: number): Generator<SeekEntry> {
  const length = seekTableBytes(bytes.subarray(-FOOTER_BYTES))
  const begins = bytes.length >= HEADER_BYTES && bytes.readUInt32LE(0) === SEEK_TABLE_MAGIC
  if (length !== bytes.length || !begins || bytes.readUInt32LE(4) !== length - HEADER_BYTES) {
    throw damaged(offset)
  }
  const entryBytes = (bytes.readUInt8(bytes.length - 5) & CHECKSUMS) === 0 ? BARE_ENTRY_BYTES : ENTRY_BYTES
  for (let at = HEADER_BYTES; at < bytes.length - FOOTER_BYTES; at += entryBytes) {
    const [storedBytes, diskBytes] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    if (diskBytes > 0 && storedBytes < SMALLEST_FRAME_BYTES) throw damaged(offset)
    yield {
      storedBytes,
      diskBytes,
      ...(entryBytes === ENTRY_BYTES ? { checksum: bytes.readUInt32LE(at + 8) } : {}),
    }
  }
}

function damaged(offset: number): Damage {
  return new Damage('seek-table', `The seek table at byte ${offset} is damaged.`, 'file', offset)
}
