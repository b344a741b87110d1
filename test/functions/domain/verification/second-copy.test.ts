import { describe, expect, it } from 'vitest'
import { copyShortfall } from '../../../../functions/domain/verification/second-copy.ts'

const now = new Date('2026-11-22T00:00:00.000Z')
const lock = { mode: 'governance', until: '2027-01-01T00:00:00.000Z' } as const
const file = { key: 'archives/a', sizeBytes: 7, checksum: 'CRC32:AAAAAQ==' }
const object = { sizeBytes: 7, crc32: 1 }
const shortfall = (its: object | undefined, of: object = {}) =>
  copyShortfall({ ...file, ...of }, its === undefined ? undefined : { ...object, ...its }, 's3://second', now)

describe('a file in a second bucket', () => {
  it('is proved by the size and the sum that its own store tells', () => {
    expect(shortfall({})).toBeUndefined()
  })

  it.each([
    ['it is missing', undefined, 's3://second/archives/a is not there'],
    ['its size is another', { sizeBytes: 8 }, 's3://second/archives/a has 8 bytes in place of 7'],
    ['its store keeps no sum', { crc32: undefined }, /has no CRC-32 over the whole object, so that nothing proves/],
    [
      'its sum is another',
      { crc32: 2 },
      's3://second/archives/a has CRC32:AAAAAg==, and the archive has CRC32:AAAAAQ==',
    ],
  ])('is not where %s', (_why, its, reason) => {
    expect(shortfall(its)).toMatch(reason)
  })

  it('has to be locked there as the first copy was, and where that was not, it need not be', () => {
    expect(shortfall({ lock }, { lock })).toBeUndefined()
    expect(shortfall({ lock })).toBeUndefined()
    expect(shortfall({}, { lock })).toMatch(
      /^s3:\/\/second\/archives\/a is not locked as the first copy was: S3 shows no/,
    )
    expect(shortfall({ lock: { ...lock, until: '2026-12-01T00:00:00.000Z' } }, { lock })).toContain(
      'S3 shows a lock until',
    )
  })
})
