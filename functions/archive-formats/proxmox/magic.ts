import type { ArchiveFormat, Compression } from '../../contracts/verification.ts'
import { headerChecksumFits } from './tar-header.ts'
import { beginsZstdFrame } from '../zstd-frames.ts'

/** Bytes that tell all compressions apart. */
export const COMPRESSION_MAGIC_BYTES = 9
/** Bytes that tell a VMA from a tar. */
export const FORMAT_MAGIC_BYTES = 512

const LZOP = Buffer.from([0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a])

/** What the first bytes of a file say of its compression; `none` is said of everything that isn't compressed. */
export function compressionByMagic(first: Buffer): Compression {
  if (first.length >= 4 && beginsZstdFrame(first.readUInt32LE(0))) return 'zstd'
  // Deflate is the only method that gzip ever had.
  if (first.length >= 3 && first.readUIntBE(0, 3) === 0x1f8b08) return 'gzip'
  if (first.subarray(0, 9).equals(LZOP)) return 'lzo'
  return 'none'
}

/**
 * What the first bytes of the content are; `undefined` for anything that is neither. A tar is known by the sum over its
 * first header: tars of before 1988 (v7) hold no mark.
 */
export function formatByMagic(first: Buffer): ArchiveFormat | undefined {
  if (first.toString('latin1', 0, 4) === 'VMA\0') return 'vma'
  return headerChecksumFits(first) ? 'tar' : undefined
}
