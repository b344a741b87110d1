import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CopyResult, type Pace, paceSchema } from '../../../../functions/contracts/pace.ts'
import { backoffSeconds, judgeRound } from '../../../../functions/domain/transfer/pace.ts'
import { bestFixed, type Journey, type Link, MIB, PART_BYTES, type Setting, seeded, travel } from './simulated-link.ts'

const options = { partSizeBytes: PART_BYTES, maxStreams: 40 }
const fresh = paceSchema.parse({})
const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

const good = (streams: number, rate: number, seconds = 90): CopyResult[] =>
  Array.from({ length: streams }, () => ({
    bytesSent: Math.round((rate / streams) * seconds),
    partsSent: Math.max(1, Math.round(((rate / streams) * seconds) / PART_BYTES)),
    seconds,
    throttles: 0,
    drops: 0,
  }))
const failing = (Error: string, Cause = '{}'): CopyResult => ({
  bytesSent: 0,
  partsSent: 0,
  seconds: 0,
  throttles: 0,
  drops: 0,
  error: { Error, Cause },
})

/** Capacity and what one stream can do, in MB/s. */
const plain =
  (capacity: number, perStream: number): Link =>
  (streams) => ({ rate: Math.min(capacity, streams * perStream) })

const share = (setting: Setting): number => bestFixed(setting).seconds / travel(setting).seconds
const worstShare = (link: Link, sizeGib: number): number =>
  Math.min(...seeds.map((seed) => share({ link, sizeGib, seed })))
const median = (values: number[]): number =>
  values.toSorted((one, two) => one - two)[Math.floor(values.length / 2)] ?? 0

/** Share of the link's best rate, free of noise, that the number of streams reaches in each round. */
const shares = (journey: Journey, link: Link): number[] =>
  journey.rounds.map(({ streams, at }) => {
    const best = Math.max(...Array.from({ length: 40 }, (_, index) => link(index + 1, at).rate))
    return link(streams, at).rate / best
  })

describe('finding the number of streams', () => {
  const links: { name: string; link: Link; sizeGib: number; within: number }[] = [
    { name: 'a slow link of 12 MB/s', link: plain(12, 70), sizeGib: 400, within: 2 },
    { name: 'one gigabit with 70 MB/s a stream', link: plain(118, 70), sizeGib: 3000, within: 2 },
    { name: 'ten gigabits with 70 MB/s a stream', link: plain(1200, 70), sizeGib: 20_000, within: 8 },
    { name: 'a distant site with 8 MB/s a stream', link: plain(300, 8), sizeGib: 6000, within: 8 },
    {
      name: 'a disk that more than four readers slow down',
      link: (n) => ({ rate: Math.min(200, n * 45) * (n <= 4 ? 1 : 0.85 ** (n - 4)) }),
      sizeGib: 4000,
      within: 6,
    },
    {
      name: 'a disk that any second reader slows down',
      link: (n) => ({ rate: 80 / n ** 0.7 }),
      sizeGib: 4000,
      within: 12,
    },
  ]
  for (const { name, link, sizeGib, within } of links) {
    it(`moves at least nine tenths of what the best fixed number would over ${name}, and finds it within ${within} rounds`, () => {
      expect(worstShare(link, sizeGib)).toBeGreaterThanOrEqual(0.9)
      expect(median(seeds.map((seed) => share({ link, sizeGib, seed })))).toBeGreaterThanOrEqual(0.94)
      const found = seeds.map(
        (seed) => shares(travel({ link, sizeGib, seed }), link).findIndex((one) => one >= 0.9) + 1,
      )
      expect(Math.max(...found)).toBeLessThanOrEqual(within)
      expect(Math.min(...found)).toBeGreaterThan(0)
    })
  }

  it('spends at most a seventh of the time away from nine tenths once it has had twelve rounds', () => {
    for (const { link, sizeGib } of links) {
      for (const seed of seeds) {
        const journey = travel({ link, sizeGib, seed })
        const each = shares(journey, link)
        const settled = journey.rounds.map((round, index) => ({ ...round, share: each[index] ?? 0 })).slice(12, -2)
        const all = settled.reduce((sum, { seconds }) => sum + seconds, 0)
        const away = settled.filter((round) => round.share < 0.88).reduce((sum, { seconds }) => sum + seconds, 0)
        expect(away / all).toBeLessThan(1 / 7)
      }
    }
  })

  it('changes by a factor of two at most from round to round, and never leaves 1 to the cap', () => {
    for (const { link, sizeGib } of links) {
      const { rounds } = travel({ link, sizeGib, seed: 3, maxStreams: 12 })
      expect(Math.max(...rounds.map(({ streams }) => streams))).toBeLessThanOrEqual(12)
      for (const [index, { streams }] of rounds.slice(0, -2).entries()) {
        expect(streams).toBeGreaterThanOrEqual(1)
        const next = rounds[index + 1]?.streams ?? streams
        expect(Math.max(next / streams, 1)).toBeLessThanOrEqual(2)
      }
    }
  })

  it('works with parts of 5 GiB, which take minutes each', () => {
    const setting = { link: plain(400, 60), sizeGib: 40_000, seed: 1, partBytes: 5120 * MIB }
    expect(travel(setting).ending.action).toBe('done')
    expect(share(setting)).toBeGreaterThan(0.85)
  })

  it('begins with one stream for less than a GiB, and never runs more than there are parts', () => {
    expect(judgeRound(fresh, [], 15, options)).toMatchObject({ action: 'copy', streams: 1 })
    expect(judgeRound(fresh, [], 16, options)).toMatchObject({ action: 'copy', streams: 2 })
    expect(judgeRound(fresh, [], 100_000, options)).toMatchObject({ action: 'copy', streams: 2 })
    expect(judgeRound({ ...fresh, streams: 32 }, [], 20, options)).toMatchObject({ streams: 2 })
    expect(judgeRound({ ...fresh, streams: 32 }, [], 3, { ...options, partSizeBytes: 5120 * MIB })).toMatchObject({
      streams: 3,
    })
  })

  it('is not led astray by a last round in which most streams ran out of parts', () => {
    const pace: Pace = { ...fresh, rounds: 3, streams: 4, missingParts: 2000 }
    const uneven = [...good(1, 50e6, 5), ...good(3, 150e6, 90)]
    const decision = judgeRound(pace, uneven, 1000, options)
    expect(decision.pace.measured).toEqual([])
    expect(decision).toMatchObject({ action: 'copy', streams: 4 })
  })

  it('has nothing to do when S3 lacks nothing', () => {
    expect(judgeRound(fresh, [], 0, options).action).toBe('done')
    expect(judgeRound({ ...fresh, missingParts: 2 }, [failing('ConnectionDropped')], 0, options).action).toBe('done')
  })
})

describe('a link that changes', () => {
  const at = 9000
  const changes: { name: string; link: Link; sizeGib: number }[] = [
    { name: 'loses three quarters', link: (n, t) => ({ rate: Math.min(t > at ? 60 : 240, n * 30) }), sizeGib: 4000 },
    {
      name: 'becomes six times as wide',
      link: (n, t) => ({ rate: Math.min(t > at ? 360 : 60, n * 30) }),
      sizeGib: 12_000,
    },
    {
      name: 'slows each stream to a quarter',
      link: (n, t) => ({ rate: Math.min(240, n * (t > at ? 15 : 60)) }),
      sizeGib: 6000,
    },
  ]
  for (const { name, link, sizeGib } of changes) {
    it(`that ${name} is back at nine tenths of its best within two hours, and stays about there`, () => {
      for (const seed of seeds) {
        const journey = travel({ link, sizeGib, seed, untilSeconds: at + 30_000 })
        const each = shares(journey, link)
        const later = journey.rounds
          .map((round, index) => ({ ...round, share: each[index] ?? 0 }))
          .filter((round) => round.at > at + 7200)
        const average =
          later.reduce((sum, round) => sum + round.share * round.seconds, 0) /
          later.reduce((sum, { seconds }) => sum + seconds, 0)
        expect(average).toBeGreaterThan(0.9)
      }
    })
  }

  it('that is away for half an hour is waited for and climbed again at once', () => {
    const link: Link = (n, t) => (t > 6000 && t < 7800 ? { rate: 0 } : { rate: Math.min(240, n * 30) })
    for (const seed of seeds) {
      const journey = travel({ link, sizeGib: 4000, seed })
      expect(journey.ending.action).toBe('done')
      expect(journey.waits.slice(0, 6)).toEqual([15, 30, 60, 120, 240, 300])
      const back = journey.rounds.filter((round) => round.at > 7800)
      expect(back.slice(0, 6).some(({ streams }) => streams >= 8)).toBe(true)
    }
  })
})

describe('errors and throttling', () => {
  const refusing: Link = (n) => ({ rate: Math.min(n, 10) * 30, failed: Math.max(0, n - 10) })

  it('settles below the number from which connections are refused, and tries it ever more rarely', () => {
    for (const seed of seeds) {
      const { rounds } = travel({ link: refusing, sizeGib: 8000, seed })
      const refused = rounds.filter(({ streams }) => streams > 10)
      expect(refused.length).toBeLessThanOrEqual(rounds.length / 6)
      expect(share({ link: refusing, sizeGib: 8000, seed })).toBeGreaterThan(0.9)
    }
  })

  it('backs off when S3 asks to slow down, and does not fail', () => {
    const throttled: Link = (n) => ({ rate: Math.min(n, 12) * 50, throttles: n > 12 ? n * 60 : 0 })
    for (const seed of seeds) {
      const journey = travel({ link: throttled, sizeGib: 12_000, seed })
      expect(journey.ending.action).toBe('done')
      expect(journey.rounds.filter(({ streams }) => streams > 12).length).toBeLessThanOrEqual(journey.rounds.length / 6)
    }
  })

  it('goes down to one stream, and on, where S3 throttles everything', () => {
    const journey = travel({ link: () => ({ rate: 5, throttles: 500 }), sizeGib: 60, seed: 1 })
    expect(journey.ending.action).toBe('done')
    expect(journey.waits).toEqual([])
    expect(journey.rounds.slice(1).every(({ streams }) => streams === 1)).toBe(true)
  })

  it('takes one failed stream for an accident, and the same in three rounds for one stream too many', () => {
    let pace: Pace = { ...fresh, rounds: 9, streams: 4, home: 4, nextTrialRound: 99, missingParts: 9000 }
    const wanted: number[] = []
    for (let round = 1; round <= 3; round++) {
      const results = [...good(3, 90e6), failing('ConnectionDropped')]
      const decision = judgeRound(pace, results, 9000 - round * 100, options)
      pace = decision.pace
      wanted.push(pace.streams)
    }
    expect(wanted).toEqual([4, 4, 3])
  })

  it('is not driven down by streams that fail by chance, however many there are', () => {
    for (const seed of seeds) {
      const flaky = (): Link => {
        const random = seeded(seed * 31)
        return (n) => {
          const failed = Array.from({ length: n }, random).filter((drawn) => drawn < 0.03).length
          return { rate: Math.min(n - failed, 8) * 30, failed }
        }
      }
      const adaptive = travel({ link: flaky(), sizeGib: 6000, seed })
      const best = bestFixed({ link: flaky(), sizeGib: 6000, seed })
      expect(adaptive.ending.action).toBe('done')
      expect(best.seconds / adaptive.seconds).toBeGreaterThan(0.88)
    }
  })

  it('halves when connections break all the time', () => {
    const pace: Pace = { ...fresh, streams: 8, missingParts: 9000 }
    const results = good(8, 90e6).map((result) => ({ ...result, drops: 2 }))
    expect(judgeRound(pace, results, 8900, options)).toMatchObject({ streams: 4 })
  })

  it('does not mind a connection that breaks once', () => {
    const pace: Pace = { ...fresh, streams: 8, missingParts: 9000 }
    const results = good(8, 90e6).map((result, index) => ({ ...result, drops: index === 0 ? 1 : 0 }))
    expect(judgeRound(pace, results, 8900, options)).toMatchObject({ streams: 16 })
  })
})

describe('rounds in which nothing moves', () => {
  const stuck = (error: CopyResult['error'], before: Pace = fresh) => {
    let pace: Pace = { ...before, missingParts: 500 }
    const waits: number[] = []
    for (let round = 1; round < 100; round++) {
      const decision = judgeRound(pace, [{ ...failing('x'), error }], 500, options)
      if (decision.action !== 'wait') return { decision, waits, round }
      waits.push(decision.waitSeconds)
      pace = decision.pace
      const again = judgeRound(pace, [], 500, options)
      expect(again).toMatchObject({ action: 'copy', streams: 1 })
      pace = again.pace
    }
    throw new Error('it never gives up')
  }

  it('are repeated 28 times over about two hours, then the last error is handed on', () => {
    const { decision, waits, round } = stuck({ Error: 'ConnectionDropped', Cause: '{"errorMessage":"refused"}' })
    expect(round).toBe(28)
    expect(waits.slice(0, 7)).toEqual([15, 30, 60, 120, 240, 300, 300])
    expect(waits.reduce((sum, seconds) => sum + seconds, 0)).toBeGreaterThan(6500)
    expect(decision).toMatchObject({
      action: 'give-up',
      error: { Error: 'ConnectionDropped', Cause: '{"errorMessage":"refused"}' },
    })
  })

  it.each(['Runtime.OutOfMemory', 'Runtime.ExitError', 'Lambda.Unknown', 'Sandbox.Timedout', 'States.Timeout'])(
    'end after three when the function is killed by %s',
    (name) => {
      const { decision, round } = stuck({ Error: name })
      expect(round).toBe(3)
      expect(decision).toMatchObject({ action: 'give-up', error: { Error: name } })
    },
  )

  it('end at once on an error that repeating can not cure', () => {
    expect(stuck({ Error: 'SourceChanged' })).toMatchObject({
      round: 1,
      decision: { error: { Error: 'SourceChanged' } },
    })
  })

  it('are forgiven as soon as one part arrives, whatever the calls said', () => {
    const pace: Pace = { ...fresh, fruitless: 27, killed: 2, streams: 1, missingParts: 500 }
    const decision = judgeRound(pace, [failing('Sandbox.Timedout')], 499, options)
    expect(decision).toMatchObject({ action: 'copy', pace: { fruitless: 0, killed: 0 } })
  })

  it('count although a call says that it sent parts, when S3 lacks as many as before', () => {
    const pace: Pace = { ...fresh, streams: 2, missingParts: 500 }
    expect(judgeRound(pace, good(2, 90e6), 500, options).action).toBe('wait')
  })

  it('name an error even when no stream gave one', () => {
    const pace: Pace = { ...fresh, fruitless: 27, streams: 1, missingParts: 500 }
    const decision = judgeRound(pace, good(1, 1), 500, options)
    expect(decision).toMatchObject({ action: 'give-up', error: { Error: 'ConnectionDropped' } })
  })

  it('are not counted while the ledger grants nothing', () => {
    let pace: Pace = { ...fresh, fruitless: 3, streams: 4, missingParts: 500 }
    for (let look = 0; look < 50; look++) pace = judgeRound(pace, [], 500, options).pace
    expect(pace).toMatchObject({ fruitless: 3, streams: 4 })
  })

  it('halve the parts in flight when memory or time runs out, also with progress', () => {
    const pace: Pace = { ...fresh, streams: 2, missingParts: 500 }
    const half = judgeRound(pace, [...good(1, 50e6), failing('Runtime.OutOfMemory')], 400, options).pace
    expect(half.partsInFlight).toBe(2)
    const killed = failing(
      'Runtime.ExitError',
      '{"errorMessage":"RequestId: 1 Error: Runtime exited with error: signal: killed"}',
    )
    expect(judgeRound({ ...half, partsInFlight: 1 }, [killed], 400, options).pace.partsInFlight).toBe(1)
    expect(judgeRound(half, [killed], 400, options).pace.partsInFlight).toBe(1)
  })

  it('wait 15 s at first and never more than 300 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1000].map(backoffSeconds)).toEqual([15, 30, 60, 120, 240, 300, 300, 300])
  })
})

describe('a bandwidth limit', () => {
  it('is never exceeded, and streams that it makes useless are not opened', () => {
    const journey = travel({ link: plain(1200, 70), sizeGib: 500, seed: 1, bytesPerSecond: () => 40e6 })
    expect(journey.ending.action).toBe('done')
    for (const { streams, parts, seconds } of journey.rounds) {
      expect(streams).toBeLessThanOrEqual(2)
      expect((parts * PART_BYTES) / (seconds - 5)).toBeLessThanOrEqual(40e6 * 1.08)
    }
    expect((500 * 1024 * MIB) / journey.seconds).toBeGreaterThan(0.93 * 40e6)
  })

  it('that ends is followed by growth, and one that begins gives connections back', () => {
    const limit = (at: number): number | undefined => (at < 10_000 || at > 20_000 ? undefined : 60e6)
    const { rounds } = travel({
      link: plain(1200, 70),
      sizeGib: 20_000,
      seed: 2,
      bytesPerSecond: limit,
      untilSeconds: 30_000,
    })
    const most = (from: number, to: number): number =>
      Math.max(...rounds.filter(({ at }) => at >= from && at < to).map(({ streams }) => streams))
    expect(most(5000, 10_000)).toBeGreaterThanOrEqual(16)
    expect(most(12_000, 20_000)).toBeLessThanOrEqual(2)
    expect(most(20_000, 24_000)).toBeGreaterThanOrEqual(16)
  })
})

describe('fewer streams than wanted', () => {
  it('are judged as what ran, and growth follows when more are granted', () => {
    const grant = (wanted: number, round: number): number => Math.min(wanted, round < 12 ? 3 : 20)
    const { rounds } = travel({ link: plain(300, 20), sizeGib: 6000, seed: 1, grant })
    expect(Math.max(...rounds.slice(0, 12).map(({ streams }) => streams))).toBe(3)
    expect(rounds.slice(20, 40).some(({ streams }) => streams >= 14)).toBe(true)
  })
})

describe('whatever a round reports', () => {
  const result: fc.Arbitrary<CopyResult> = fc.record({
    bytesSent: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 40 })),
    partsSent: fc.integer({ min: 0, max: 5000 }),
    seconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 900, noNaN: true })),
    throttles: fc.integer({ min: 0, max: 500 }),
    drops: fc.integer({ min: 0, max: 50 }),
  })
  const failed = fc
    .constantFrom('ConnectionDropped', 'Runtime.OutOfMemory', 'Lambda.TooManyRequestsException')
    .map((name) => failing(name))
  const round = fc.record({
    results: fc.array(fc.oneof({ weight: 4, arbitrary: result }, failed), { minLength: 0, maxLength: 40 }),
    arrived: fc.integer({ min: 0, max: 300 }),
  })

  it('the decision stays within bounds and its memory small and readable', () => {
    fc.assert(
      fc.property(fc.array(round, { maxLength: 30 }), fc.integer({ min: 1, max: 40 }), (rounds, maxStreams) => {
        let pace = fresh
        let missing = 5000
        for (const { results, arrived } of rounds) {
          missing = Math.max(0, missing - arrived)
          const decision = judgeRound(pace, results, missing, { ...options, maxStreams })
          expect(decision.action === 'done').toBe(missing === 0)
          const streams = decision.action === 'copy' ? decision.streams : 1
          expect(streams).toBeGreaterThanOrEqual(1)
          expect(streams).toBeLessThanOrEqual(Math.max(1, Math.min(maxStreams, missing)))
          if (decision.action === 'give-up') return
          const text = JSON.stringify(decision.pace)
          expect(text.length).toBeLessThan(1200)
          pace = paceSchema.parse(JSON.parse(text))
        }
      }),
      { numRuns: 500 },
    )
  })
})
