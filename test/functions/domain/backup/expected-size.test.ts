import { describe, expect, it } from 'vitest'
import { expectSize } from '../../../../functions/domain/backup/expected-size.ts'

const onStorage = { sizeBytes: 10, createdAt: '2026-11-20T02:00:00.000Z', format: 'vma.zst' }
const inBucket = { sizeBytes: 20, createdAt: '2026-11-19T02:00:00.000Z', compress: 'zstd' }
const disks = [{ sizeBytes: 100, included: true }, { sizeBytes: 1000, included: false }, { included: true }]

describe('the expected size of an archive', () => {
  it('is that of the last one on the storage', () => {
    expect(expectSize({ onStorage, inBucket, disks })).toEqual({
      sizeBytes: 10,
      from: 'archive-on-storage',
      says: 'last archive on the storage, 2026-11-20, vma.zst',
    })
  })

  it('is that of one in the bucket, if that is newer or the only one', () => {
    const newer = { ...inBucket, createdAt: '2026-11-21T02:00:00.000Z' }
    expect(expectSize({ onStorage, inBucket: newer, disks })).toMatchObject({
      sizeBytes: 20,
      from: 'archive-in-bucket',
    })
    expect(expectSize({ inBucket, disks })?.says).toBe('last archive in the bucket, 2026-11-19, zstd')
  })

  it('is at most that of the disks that a backup holds, which says how many it knows', () => {
    expect(expectSize({ disks })).toEqual({
      sizeBytes: 100,
      from: 'disk-sizes',
      says: 'at most: no archive yet, size of 1 disk, and 1 of unknown size',
    })
  })

  it('is unknown rather than 0 when nothing tells', () => {
    expect(expectSize({ disks: [{ included: true }, { sizeBytes: 5, included: false }] })).toBeUndefined()
  })
})
