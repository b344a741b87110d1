import { ChecksumMismatch, TargetUnwritable } from '../contracts/errors.ts'
import { combineAllCrc32 } from '../domain/transfer/crc32.ts'
import type { FoundFile } from './landing.ts'
import { takenFact } from './target-facts.ts'
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

/**
 * Is what has the final name the whole file: regular, of its size, and with each of its ranges?
 * @param lies whether a range of it lies there, read on the target
 * @throws TargetTaken, and what `lies` throws
 */
export async function assertIsWhole(
  there: Pick<FoundFile, 'regular'> & { sizeBytes?: number | undefined },
  { path, where, sizeBytes }: { path: string; where: string; sizeBytes: number },
  ranges: readonly FileRange[],
  lies: (range: FileRange) => Promise<boolean>,
): Promise<void> {
  if (!there.regular || there.sizeBytes !== sizeBytes) throw takenFact(path, where)
  for (const range of ranges) {
    const same = await lies(range).catch((error: unknown) => {
      // What can't be read can't be ours.
      throw error instanceof TargetUnwritable ? takenFact(path, where) : error
    })
    if (!same) throw takenFact(path, where)
  }
}
