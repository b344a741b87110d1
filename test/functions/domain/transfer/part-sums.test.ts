import { describe, expect, it } from 'vitest'
import { levelOf } from '../../../../functions/contracts/proof.ts'
import { bareEtag, isHashOfHashes } from '../../../../functions/domain/transfer/etag.ts'
import { sumsOfPart } from '../../../../functions/domain/transfer/part-sums.ts'
import { proofWords, shortProof } from '../../../../functions/domain/transfer/proof-words.ts'
import { judgeProof, provedBy } from '../../../../functions/domain/transfer/proof-verdict.ts'

const sums = (md5: string, crc32 = 1) => ({ part: 1, crc32, md5 })

describe('the sums of a part', () => {
  it('are those whose MD5 is its ETag, whoever wrote down others', () => {
    for (const level of ['part-checksums', 'read-back'] as const) {
      expect(sumsOfPart(level, 'b', [sums('a'), sums('b', 2), sums('c')])).toEqual(sums('b', 2))
      expect(sumsOfPart(level, 'b', [sums('b', 2)])).toEqual(sums('b', 2))
    }
  })

  it('are unknown where the ETag has to be an MD5, and is none of those', () => {
    expect(sumsOfPart('part-checksums', 'x', [sums('a')])).toBeUndefined()
    expect(sumsOfPart('part-checksums', 'x', [])).toBeUndefined()
  })

  it('are the only ones that were written down, where ETags say nothing', () => {
    expect(sumsOfPart('read-back', 'x', [sums('a')])).toEqual(sums('a'))
    expect(sumsOfPart('read-back', 'x', [sums('a'), sums('b')])).toBeUndefined()
    expect(sumsOfPart('read-back', 'x', [])).toBeUndefined()
  })
})

describe('an ETag', () => {
  it('is compared without its quotes', () => {
    expect([bareEtag('"a"'), bareEtag('a'), bareEtag('"a'), bareEtag('W/"a"')]).toEqual(['a', 'a', '"a', 'W/"a"'])
  })

  it('is a hash of hashes by its form alone, for a number of parts', () => {
    const hash = '0123456789abcdef0123456789abcdef'
    expect(isHashOfHashes(`"${hash}-3"`, 3)).toBe(true)
    expect(isHashOfHashes(`${hash}-3`, 3)).toBe(true)
    for (const other of [`${hash}-2`, hash, `${hash}-33`, `x${hash}-3`, `${hash.toUpperCase()}-3`, '']) {
      expect(isHashOfHashes(other, 3)).toBe(false)
    }
  })
})

describe('what an upload left behind', () => {
  const object = { sizeBytes: 5, etag: '"e"', crc32: 1 }

  it('proves by its CRC-32 where nothing else was agreed', () => {
    expect(provedBy({ crc32: 1 })).toEqual({ crc32: 1, checksum: 'CRC32:AAAAAQ==' })
    expect(judgeProof({ sizeBytes: 5, checksum: 'CRC32:AAAAAQ==' }, object)).toBe('proved')
    expect(judgeProof({ sizeBytes: 6, checksum: 'CRC32:AAAAAQ==' }, object)).toBe('size-differs')
    expect(judgeProof({ sizeBytes: 5, checksum: 'CRC32:AAAAAg==' }, object)).toBe('sum-differs')
    expect(judgeProof({ sizeBytes: 5, checksum: 'CRC32:AAAAAQ==' }, { sizeBytes: 5, etag: 'e' })).toBe('without-sum')
  })

  it('proves nothing without a sum, nor without the ETag at a lesser level', () => {
    expect(provedBy({})).toBeUndefined()
    expect(provedBy({ proof: 'read-back', etag: 'e' })).toBeUndefined()
    expect(provedBy({ crc32: 1, proof: 'read-back' })).toBeUndefined()
    expect(provedBy({ crc32: 1, proof: 'read-back', etag: 'e' })).toMatchObject({
      proof: { level: 'read-back', etag: 'e' },
    })
  })
})

describe('the proof of an archive', () => {
  it('is the costliest that one of its files needed', () => {
    expect(levelOf([])).toBe('full-object-crc')
    expect(levelOf([undefined, 'full-object-crc'])).toBe('full-object-crc')
    expect(levelOf(['part-checksums', undefined])).toBe('part-checksums')
    expect(levelOf(['read-back', 'part-checksums'])).toBe('read-back')
  })

  it('is named in words', () => {
    expect(proofWords()).toBe(proofWords('full-object-crc'))
    expect([shortProof('part-checksums'), shortProof('read-back')]).toEqual(['part checksums', 'read back'])
  })
})
