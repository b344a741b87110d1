import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextWaitSeconds } from '../../../../functions/domain/backup/poll-wait.ts'

/** Poll a dump of known length until its end is seen; a look itself takes no time. */
function follow(dumpSeconds: number, percentAt?: (elapsed: number) => number | undefined) {
  let elapsedSeconds = 0
  let looks = 0
  do {
    const progressPercent = percentAt?.(elapsedSeconds)
    elapsedSeconds += nextWaitSeconds({ elapsedSeconds, ...(progressPercent === undefined ? {} : { progressPercent }) })
    looks += 1
  } while (elapsedSeconds < dumpSeconds)
  return { looks, lateSeconds: elapsedSeconds - dumpSeconds }
}

const DAY = 86_400

describe('the wait before the next look at a backup', () => {
  it('is a whole number of seconds from 1 to 300, whatever comes in', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double(), fc.double({ min: 0, max: 1e6 })),
        fc.option(fc.oneof(fc.double(), fc.double({ min: 0, max: 100 })), { nil: undefined }),
        (elapsedSeconds, progressPercent) => {
          const wait = nextWaitSeconds({
            elapsedSeconds,
            ...(progressPercent === undefined ? {} : { progressPercent }),
          })
          expect(Number.isInteger(wait)).toBe(true)
          expect(wait).toBeGreaterThanOrEqual(1)
          expect(wait).toBeLessThanOrEqual(300)
        },
      ),
    )
  })

  it('notices a dump of five seconds within three', () => {
    expect(follow(5).lateSeconds).toBeLessThanOrEqual(3)
    expect(follow(5, (elapsed) => Math.floor((elapsed / 5) * 100)).lateSeconds).toBeLessThanOrEqual(3)
  })

  it('needs fewer than 500 looks for a dump of 24 hours', () => {
    expect(follow(DAY).looks).toBeLessThan(500)
    expect(follow(DAY, (elapsed) => Math.floor((elapsed / DAY) * 100)).looks).toBeLessThan(400)
  })

  it('needs fewer than 500 looks in 24 hours for any percentages, even ones that lie', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }), { minLength: 1 }),
        (lies) => {
          let call = 0
          expect(follow(DAY, () => lies[call++ % lies.length]).looks).toBeLessThan(500)
        },
      ),
      { numRuns: 300 },
    )
    for (const stuck of [0, 1, 50, 99, 100]) expect(follow(DAY, () => stuck).looks).toBeLessThan(500)
  })

  it('sees the end of a dump that reports true percentages at most a tenth late, and never over five minutes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: DAY }), (seconds) => {
        const { lateSeconds } = follow(seconds, (elapsed) => Math.floor((elapsed / seconds) * 100))
        expect(lateSeconds).toBeLessThanOrEqual(Math.min(300, Math.max(3, seconds * 0.1)))
      }),
    )
  })

  it('looks less often with a percentage than without', () => {
    const hour = 3600
    const steady = follow(hour).looks
    expect(follow(hour, (elapsed) => (elapsed / hour) * 100).looks).toBeLessThan(steady)
  })

  it('aims shortly after the expected end', () => {
    // 1000 s for 90 %: 111 s are left.
    expect(nextWaitSeconds({ elapsedSeconds: 1000, progressPercent: 90 })).toBe(114)
  })
})
