/** How large the next archive of a guest is likely to be, and how that is known. */

export interface ExpectedSize {
  sizeBytes: number
  /** `disk-sizes` is a limit from above: neither empty space nor compression is in it. */
  from: 'archive-on-storage' | 'archive-in-bucket' | 'disk-sizes'
  /** A phrase, as `last archive on the storage, 2026-11-20, vma.zst`. */
  says: string
}

interface Known {
  onStorage?: { sizeBytes: number; createdAt: string; format: string } | undefined
  inBucket?: { sizeBytes: number; createdAt: string; compress: string } | undefined
  disks: readonly { sizeBytes?: number; included: boolean }[]
}

/** The newest archive tells most; of two, the newer. `undefined` when nothing is known. */
export function expectSize({ onStorage, inBucket, disks }: Known): ExpectedSize | undefined {
  const day = (instant: string) => instant.slice(0, 10)
  if (onStorage !== undefined && !(inBucket !== undefined && inBucket.createdAt > onStorage.createdAt)) {
    const says = `last archive on the storage, ${day(onStorage.createdAt)}, ${onStorage.format}`
    return { sizeBytes: onStorage.sizeBytes, from: 'archive-on-storage', says }
  }
  if (inBucket !== undefined) {
    const says = `last archive in the bucket, ${day(inBucket.createdAt)}, ${inBucket.compress}`
    return { sizeBytes: inBucket.sizeBytes, from: 'archive-in-bucket', says }
  }
  const included = disks.filter((disk) => disk.included)
  const sizes = included.flatMap(({ sizeBytes }) => sizeBytes ?? [])
  if (sizes.length === 0) return undefined
  const unknown = included.length - sizes.length
  const besides = unknown === 0 ? '' : `, and ${unknown} of unknown size`
  return {
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    from: 'disk-sizes',
    says: `at most: no archive yet, size of ${sizes.length} ${sizes.length === 1 ? 'disk' : 'disks'}${besides}`,
  }
}
