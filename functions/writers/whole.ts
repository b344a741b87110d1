import { ChecksumMismatch } from '../contracts/errors.ts'
import { combineAllCrc32 } from '../domain/transfer/crc32.ts'
import type { FileRange } from './writer.ts'

/**
 * Do the ranges make the whole: from its first byte to its last, none missing, none twice, with its CRC-32?
 * @throws ChecksumMismatch
 */
export function assertWhole(
  where: string,
  whole: { sizeBytes: number; crc32: number },
  ranges: readonly FileRange[],
): void {
  let endBytes = 0
  for (const { positionBytes, sizeBytes } of ranges) {
    if (positionBytes !== endBytes) {
      throw new ChecksumMismatch(
        `${where}: the ranges that were brought don't follow one another at byte ${endBytes}. Restore again.`,
      )
    }
    endBytes += sizeBytes
  }
  if (endBytes !== whole.sizeBytes) {
    throw new ChecksumMismatch(`${where}: ${endBytes} of ${whole.sizeBytes} bytes were brought. Restore again.`)
  }
  if (combineAllCrc32(ranges) !== whole.crc32) {
    throw new ChecksumMismatch(
      `${where}: the ranges that were brought make another CRC-32 than the archive's manifest has. Verify the archive.`,
    )
  }
}
