import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  judgeObject,
  judgeSource,
  judgeUnchanged,
  sameIdentity,
} from '../../../../functions/domain/transfer/copy-verdict.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'

const location = { node: 'pve1', path: '/mnt/pve/nas/dump/a.vma', storage: 'nas', volume: 'backup/a.vma' }
const artifact = { artifactRef: 'nas:backup/a.vma', fileName: 'a.vma', sizeBytes: 1000, location }
const source = { sizeBytes: 1000, modifiedAt: '2026-11-22T02:10:00.000Z', validator: '"a"' }
const crc32 = 0xcafe_f00d
const claimed = { sizeBytes: 1000, checksum: `CRC32:${crc32ToBase64(crc32)}` }

describe('the file that the route shows', () => {
  it('is the listed one only with the very size: the size of a single volume is rounded up to 512', () => {
    expect(judgeSource(artifact, source)).toMatchObject({ name: 'source-as-listed', good: true })
    expect(judgeSource(artifact, { ...source, sizeBytes: 1024 })).toMatchObject({
      name: 'source-unlike-listing',
      good: false,
      reason: expect.stringMatching(
        /on node pve1 has 1024 bytes, the platform said 1000.*route\.pathPrefix/s,
      ) as unknown,
    })
  })

  it('has changed when size, time or mark have', () => {
    expect(judgeUnchanged(artifact, source, { ...source }).good).toBe(true)
    for (const change of [{ sizeBytes: 1001 }, { modifiedAt: '2026-11-22T02:10:01.000Z' }, { validator: '"b"' }]) {
      const verdict = judgeUnchanged(artifact, source, { ...source, ...change })
      expect(verdict).toMatchObject({ name: 'source-changed', good: false })
      expect(verdict.reason).toContain('1000 bytes of 2026-11-22T02:10:00.000Z ("a")')
    }
  })

  it('is judged without a mark where only one look had one', () => {
    expect(sameIdentity(source, { sizeBytes: 1000, modifiedAt: source.modifiedAt })).toBe(true)
  })
})

describe('the object in S3', () => {
  it('is proved by size and sum', () => {
    expect(judgeObject(artifact, claimed, { sizeBytes: 1000, etag: 'e', crc32 }, 's3://b/k')).toMatchObject({
      name: 'object-proved',
      good: true,
    })
  })

  it.each([
    ['never-stored', undefined, undefined, /a\.vma was not stored/],
    ['object-gone', claimed, undefined, /s3:\/\/b\/k is gone/],
    ['object-size-differs', claimed, { sizeBytes: 999, etag: 'e', crc32 }, /has 999 bytes, a\.vma had 1000/],
    ['object-size-differs', { ...claimed, sizeBytes: 1 }, { sizeBytes: 1000, etag: 'e', crc32 }, /has 1000 bytes/],
    ['object-without-checksum', claimed, { sizeBytes: 1000, etag: 'e' }, /no CRC-32/],
    ['object-checksum-differs', claimed, { sizeBytes: 1000, etag: 'e', crc32: 1 }, /CRC32:AAAAAQ==/],
  ] as const)('is %s', (name, noted, object, says) => {
    const verdict = judgeObject(artifact, noted, object, 's3://b/k')
    expect(verdict).toMatchObject({ name, good: false })
    expect(verdict.reason).toMatch(says)
  })

  it('is never good with another size or sum, whatever they are', () => {
    const unsigned = fc.nat(0xffff_ffff)
    fc.assert(
      fc.property(fc.nat(2000), fc.option(unsigned, { nil: undefined }), (sizeBytes, sum) => {
        const object = { sizeBytes, etag: 'e', ...(sum === undefined ? {} : { crc32: sum }) }
        expect(judgeObject(artifact, claimed, object, 'x').good).toBe(sizeBytes === 1000 && sum === crc32)
      }),
    )
  })

  it.each([
    ['part-checksums', /as the checksums of its parts show/],
    ['read-back', /as reading it back showed/],
  ] as const)('of a store without CRC-32 is proved by its ETag at the level of %s', (level, says) => {
    const noted = { ...claimed, proof: { level, etag: 'abc-2' } }
    const judged = (etag: string, sizeBytes = 1000) => judgeObject(artifact, noted, { sizeBytes, etag }, 's3://b/k')
    expect(judged('"abc-2"')).toMatchObject({ name: 'object-proved', good: true, reason: expect.stringMatching(says) })
    expect(judged('abc-2')).toMatchObject({ good: true })
    expect(judged('"abd-2"')).toMatchObject({ name: 'object-checksum-differs', good: false })
    expect(judged('"abd-2"').reason).toMatch(/has the ETag abd-2, and the object that was proved had abc-2/)
    expect(judged('"abc-2"', 999)).toMatchObject({ name: 'object-size-differs', good: false })
  })

  it('that claims a CRC-32 of the store is not proved by an ETag', () => {
    const noted = { ...claimed, proof: { level: 'full-object-crc' as const } }
    expect(judgeObject(artifact, noted, { sizeBytes: 1000, etag: 'abc-2' }, 'x').name).toBe('object-without-checksum')
    expect(judgeObject(artifact, noted, { sizeBytes: 1000, etag: 'abc-2', crc32 }, 'x').good).toBe(true)
  })
})
