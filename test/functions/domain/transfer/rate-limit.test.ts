import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { draw, openAllowance, sliceBytes } from '../../../../functions/domain/transfer/rate-limit.ts'

const MIB = 2 ** 20

describe('holding a stream to its bandwidth', () => {
  it('holds the average over any stretch, however late timers and pieces come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 50_000, max: 200 * MIB }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 * MIB }), fc.integer({ min: 0, max: 3000 })), { maxLength: 80 }),
        (rate, pieces) => {
          let allowance = openAllowance(rate, 0)
          let now = 0
          const begun: { at: number; bytes: number }[] = []
          for (const [bytes, lasts] of pieces) {
            const drawn = draw(allowance, bytes, now)
            allowance = drawn.allowance
            now += drawn.waitMilliseconds
            begun.push({ at: now, bytes })
            now += lasts
          }
          for (let first = 0; first < begun.length; first++) {
            let total = 0
            for (const { at, bytes } of begun.slice(first)) {
              const seconds = (at - (begun[first]?.at ?? 0)) / 1000
              expect(total).toBeLessThanOrEqual(rate * (seconds + 0.502))
              total += bytes
            }
          }
        },
      ),
    )
  })

  it('reaches the bandwidth when the reading itself takes no time', () => {
    const rate = 10 * MIB
    let allowance = openAllowance(rate, 1000)
    let now = 1000
    let bytes = 0
    while (now < 61_000) {
      const drawn = draw(allowance, sliceBytes(rate), now)
      allowance = drawn.allowance
      now += drawn.waitMilliseconds
      bytes += sliceBytes(rate)
    }
    expect(bytes / 60 / rate).toBeGreaterThan(0.99)
    expect(bytes / 60 / rate).toBeLessThan(1.02)
  })

  it('shares one allowance between parts that are read at the same time', () => {
    const first = draw(openAllowance(MIB, 0), MIB, 0)
    const second = draw(first.allowance, MIB, 0)
    const third = draw(second.allowance, MIB, 0)
    expect([first, second, third].map(({ waitMilliseconds }) => waitMilliseconds)).toEqual([0, 1000, 2000])
  })

  it('does not make up for a long stall with a burst', () => {
    const before = draw(openAllowance(MIB, 0), MIB, 0).allowance
    const late = draw(before, MIB, 60_000)
    expect(late.waitMilliseconds).toBe(0)
    expect(draw(late.allowance, MIB, 60_000).waitMilliseconds).toBe(500)
  })

  it('cuts reads into about a quarter of a second, 64 KiB to 4 MiB', () => {
    expect(sliceBytes(1)).toBe(64 * 1024)
    expect(sliceBytes(4 * MIB)).toBe(MIB)
    expect(sliceBytes(1000 * MIB)).toBe(4 * MIB)
  })

  it('refuses a bandwidth of nothing, which would wait for ever', () => {
    expect(() => openAllowance(0, 0)).toThrow(RangeError)
  })
})
