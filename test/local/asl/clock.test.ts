import { once } from 'node:events'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { realClock, VirtualClock } from '../../../local/asl/clock.ts'

describe('the virtual clock', () => {
  it('wakes sleepers by time and then by the order in which they fell asleep, whatever the delays', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }), async (delays) => {
        const clock = new VirtualClock(0)
        const woken: { at: number; index: number }[] = []
        await Promise.all(
          delays.map(async (delay, index) => {
            await clock.sleep(delay)
            woken.push({ at: clock.now(), index })
          }),
        )
        const expected = delays.map((at, index) => ({ at, index })).toSorted((a, b) => a.at - b.at || a.index - b.index)
        expect(woken).toEqual(expected)
      }),
    )
  })

  it('never goes back, also when sleepers sleep again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 6 }), { maxLength: 6 }),
        async (lines) => {
          const clock = new VirtualClock(1000)
          let latest = clock.now()
          await Promise.all(
            lines.map(async (delays) => {
              let expected = 1000
              for (const delay of delays) {
                await clock.sleep(delay)
                expected += delay
                expect(clock.now()).toBe(expected)
                expect(clock.now()).toBeGreaterThanOrEqual(latest)
                latest = clock.now()
              }
            }),
          )
        },
      ),
    )
  })

  it('stands still while work is in flight, and goes on when it ends', async () => {
    const clock = new VirtualClock(0)
    const finished = new AbortController()
    const work = clock.during(() => once(finished.signal, 'abort'))
    let awake = false
    const sleeper = (async () => {
      await clock.sleep(10)
      awake = true
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([awake, clock.now()]).toEqual([false, 0])
    finished.abort()
    await Promise.all([work, sleeper])
    expect(clock.now()).toBe(10)
  })

  it('goes on while the work itself sleeps on it, and when the work is given up', async () => {
    const clock = new VirtualClock(0)
    await clock.during(() => clock.sleep(5))
    expect(clock.now()).toBe(5)
    const given = new AbortController()
    void clock.during(() => new Promise(() => undefined), given.signal)
    const sleeper = clock.sleep(5)
    given.abort()
    await sleeper
    expect(clock.now()).toBe(10)
  })

  it('ends a sleep with the signal’s reason and forgets it', async () => {
    const clock = new VirtualClock(0)
    const controller = new AbortController()
    const long = clock.sleep(1000, controller.signal)
    controller.abort(new Error('enough'))
    await expect(long).rejects.toThrow('enough')
    await expect(clock.sleep(1, controller.signal)).rejects.toThrow('enough')
    await clock.sleep(1)
    expect(clock.now()).toBe(1)
  })
})

describe('the real clock', () => {
  it('sleeps, ends early with the signal, and refuses to sleep on an aborted one', async () => {
    const clock = realClock()
    const before = clock.now()
    await clock.sleep(20)
    expect(clock.now() - before).toBeGreaterThanOrEqual(15)
    const controller = new AbortController()
    // Longer than one timer of the platform can be: it must not fire at once.
    const long = clock.sleep(2 ** 31 + 1000, controller.signal)
    setTimeout(() => controller.abort(new Error('enough')), 10)
    await expect(long).rejects.toThrow('enough')
    await expect(clock.sleep(1, controller.signal)).rejects.toThrow('enough')
  })
})

it('sleeps on by the machine’s monotonic clock when somebody sets its time back', async () => {
  const now = Date.now
  try {
    const slept = realClock().sleep(30)
    Date.now = () => now() - 3_600_000
    await expect(slept).resolves.toBeUndefined()
  } finally {
    Date.now = now
  }
})
