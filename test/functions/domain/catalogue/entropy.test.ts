import { createCipheriv, createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BLOCK_BYTES,
  EntropyCounter,
  PassingSample,
  sampleRanges,
} from '../../../../functions/domain/catalogue/entropy.ts'

const KIB = 1024
/** Bytes that look random and are always the same. */
const encrypted = (bytes: number) =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16)).update(Buffer.alloc(bytes))
const text = (bytes: number) => {
  const words = Array.from({ length: bytes / 32 }, (_, n) => createHash('md5').update(String(n)).digest('hex'))
  return Buffer.from(words.join('').slice(0, bytes))
}
const entropyOf = (bytes: Uint8Array) => {
  const counter = new EntropyCounter()
  counter.add(bytes)
  return counter.bitsPerByte
}

describe('entropy of content', () => {
  it('is 0 of one value, 1 of two, 4 of hexadecimal digits, and nearly 8 of what is encrypted', () => {
    expect(entropyOf(Buffer.alloc(BLOCK_BYTES, 65))).toBe(0)
    expect(entropyOf(Buffer.from('ab'.repeat(BLOCK_BYTES)))).toBe(1)
    expect(entropyOf(text(64 * KIB))).toBeCloseTo(4, 1)
    expect(entropyOf(encrypted(1024 * KIB))).toBeCloseTo(7.954, 2)
    expect(entropyOf(Buffer.from(Array.from({ length: BLOCK_BYTES }, (_, n) => n % 256)))).toBe(8)
  })

  it('leaves out blocks that are all zero, and is not known of nothing else', () => {
    expect(entropyOf(Buffer.concat([Buffer.alloc(64 * KIB), text(64 * KIB), Buffer.alloc(640 * KIB)]))).toBe(
      entropyOf(text(64 * KIB)),
    )
    expect(entropyOf(Buffer.alloc(64 * KIB))).toBeUndefined()
    expect(entropyOf(encrypted(BLOCK_BYTES - 1))).toBeUndefined()
  })

  it('grows in step with the share of blocks that were encrypted', () => {
    const whole = [text(1024 * KIB), encrypted(1024 * KIB)].map((bytes) => entropyOf(bytes) ?? 0)
    const [low = 0, high = 0] = whole
    for (const share of [0.25, 0.5, 0.75]) {
      const mixed = Buffer.concat([text((1 - share) * 1024 * KIB), encrypted(share * 1024 * KIB)])
      expect(entropyOf(mixed)).toBeCloseTo(low + share * (high - low), 1)
    }
  })

  it('is from 0 to 8 whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK_BYTES, maxLength: BLOCK_BYTES, size: 'max' }), (bytes) => {
        const bits = entropyOf(bytes)
        expect(bits === undefined || (bits >= 0 && bits <= 8)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})

describe('sampling content that passes by', () => {
  const content = Buffer.concat([text(1500 * KIB), encrypted(1500 * KIB), Buffer.alloc(500 * KIB), text(1000 * KIB)])

  it('finds the same however the content is cut into chunks', () => {
    const sampled = (cuts: readonly number[]) => {
      const sample = new PassingSample()
      let at = 0
      for (const bytes of cuts) {
        sample.pass(content.subarray(at, at + bytes))
        at += bytes
      }
      sample.pass(content.subarray(at))
      return [sample.counter.bitsPerByte, sample.counter.sampledBytes]
    }
    const whole = sampled([])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 40 }), (cuts) => {
        expect(sampled(cuts)).toEqual(whole)
      }),
      { numRuns: 100 },
    )
    expect(sampled(Array.from({ length: content.length / 100 }, () => 100))).toEqual(whole)
  })

  it('reads all of small content, and one block in 61 of the rest', () => {
    const sample = new PassingSample()
    sample.pass(encrypted(1024 * KIB))
    expect(sample.counter.sampledBytes).toBe(1024 * KIB)
    sample.pass(encrypted(61 * 100 * BLOCK_BYTES))
    expect(sample.counter.sampledBytes).toBe(1024 * KIB + 100 * BLOCK_BYTES)
  })

  it('comes close to what all blocks have', () => {
    const sample = new PassingSample()
    const large = Buffer.concat(Array.from({ length: 8 }, () => content))
    sample.pass(large)
    expect(Math.abs((sample.counter.bitsPerByte ?? 0) - (entropyOf(large) ?? 0))).toBeLessThan(0.25)
  })
})

describe('ranges that show what is in a file', () => {
  it('lie within it, in order, apart, in whole blocks, and are at most 64 of 16 KiB', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(3_000_000), fc.nat(2 ** 46)), (sizeBytes) => {
        const ranges = sampleRanges(sizeBytes)
        let end = -1
        for (const { firstByte, lastByte } of ranges) {
          expect(firstByte).toBeGreaterThan(end)
          expect([firstByte % BLOCK_BYTES, (lastByte + 1) % BLOCK_BYTES]).toEqual([0, 0])
          expect(lastByte - firstByte + 1).toBeLessThanOrEqual(16 * KIB)
          end = lastByte
        }
        expect(end).toBeLessThan(sizeBytes)
        expect(ranges.length).toBeLessThanOrEqual(64)
        const sampled = ranges.reduce((sum, { firstByte, lastByte }) => sum + lastByte + 1 - firstByte, 0)
        expect(sampled).toBe(Math.min(1024 * KIB, sizeBytes - (sizeBytes % BLOCK_BYTES)))
      }),
    )
  })

  it('reach from the beginning to near the end', () => {
    const ranges = sampleRanges(2 ** 40)
    expect(ranges[0]?.firstByte).toBe(0)
    expect(ranges.at(-1)?.lastByte).toBeGreaterThan((63 / 64) * 2 ** 40)
  })
})
