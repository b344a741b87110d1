/** How much will be read of a guest's disks, where only what was ever written is read. Pure. */
import type { ExpectedSize } from '../backup/expected-size.ts'

export interface ExpectedReading {
  leastBytes: number
  mostBytes: number
}

/**
 * Only the frozen disk knows how much of it was written. An archive is no larger than what was read for it, and no more is
 * read than the disks hold.
 */
export function expectReading(
  expected: Pick<ExpectedSize, 'sizeBytes' | 'from'> | undefined,
  disks: readonly { sizeBytes?: number; included: boolean }[],
): ExpectedReading {
  const mostBytes = disks.reduce((sum, { included, sizeBytes = 0 }) => sum + (included ? sizeBytes : 0), 0)
  const archived = expected === undefined || expected.from === 'disk-sizes' ? 0 : expected.sizeBytes
  return { leastBytes: Math.min(archived, mostBytes), mostBytes }
}
