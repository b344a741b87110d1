import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  combineAllCrc32,
  combineCrc32,
  crc32FromBase64,
  crc32OfText,
  crc32OfZeros,
  crc32ToBase64,
  repeatCrc32,
} from '../../../../functions/domain/transfer/crc32.ts'

const bytes = fc.uint8Array({ maxLength: 4_000 })

describe('combining CRC-32 sums', () => {
  it('equals the sum over the concatenation, for any two pieces', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])))
      }),
    )
  })

  it('equals the sum over the concatenation, for any number of pieces of any length', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 12 }), (pieces) => {
        const sums = pieces.map((piece) => ({ crc32: crc32(piece), sizeBytes: piece.length }))
        expect(combineAllCrc32(sums)).toBe(crc32(Buffer.concat(pieces)))
      }),
    )
  })

  it('is associative beyond 4 GiB, where 32-bit lengths would wrap', () => {
    const sum = fc.integer({ min: 0, max: 0xffffffff })
    const length = fc.integer({ min: 0, max: 2 ** 45 })
    fc.assert(
      fc.property(sum, sum, length, sum, length, (a, b, bLength, c, cLength) => {
        const leftFirst = combineCrc32(combineCrc32(a, b, bLength), c, cLength)
        const rightFirst = combineCrc32(a, combineCrc32(b, c, cLength), bLength + cLength)
        expect(leftFirst).toBe(rightFirst)
      }),
    )
  })

  it('gives the sum of 4 GiB and one zero bytes that zlib gives piece by piece', () => {
    const zeros = Buffer.alloc(2 ** 20)
    let walked = crc32('head')
    for (let mebibyte = 0; mebibyte < 4096; mebibyte++) walked = crc32(zeros, walked)
    walked = crc32(Buffer.alloc(1), walked)
    let tail = 0
    for (let mebibyte = 0; mebibyte < 4096; mebibyte++) tail = crc32(zeros, tail)
    tail = crc32(Buffer.alloc(1), tail)
    expect(combineCrc32(crc32('head'), tail, 4096 * 2 ** 20 + 1)).toBe(walked)
  })

  it('refuses what is no length', () => {
    expect(() => combineCrc32(1, 2, -1)).toThrow(RangeError)
    expect(() => combineCrc32(1, 2, 1.5)).toThrow(RangeError)
  })
})

describe('sums of what nobody reads', () => {
  it.each([0, 1, 2, 3, 511, 512, 4096, 1_000_003])('are those of %d zeros', (bytes) => {
    expect(crc32OfZeros(bytes)).toBe(crc32(Buffer.alloc(bytes)))
  })

  it('are those of a piece as often as it comes', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 40 }), (piece, times) => {
        const whole = Buffer.concat(Array.from({ length: times }, () => piece))
        expect(repeatCrc32(crc32(piece), piece.length, times)).toBe(crc32(whole))
      }),
    )
  })

  it('are those of forty TiB of zeros, without counting them', () => {
    const half = crc32OfZeros(20 * 2 ** 40)
    expect(crc32OfZeros(40 * 2 ** 40)).toBe(combineCrc32(half, half, 20 * 2 ** 40))
  })

  it.each(['', '123456789', '[1,[2,3]]'])('are those of the text %j', (text) => {
    expect(crc32OfText(text)).toBe(crc32(text))
  })
})

describe("S3's written form of a CRC-32", () => {
  it('is the base64 of the big-endian value', () => {
    expect(crc32ToBase64(crc32('123456789'))).toBe('y/Q5Jg==')
  })

  it('survives the way there and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (sum) => {
        expect(crc32FromBase64(crc32ToBase64(sum))).toBe(sum)
      }),
    )
  })

  it.each(['', 'y/Q5Jg==-3', 'y/Q5', 'y/Q5JgAA'])('is not %j', (text) => {
    expect(crc32FromBase64(text)).toBeUndefined()
  })
})
