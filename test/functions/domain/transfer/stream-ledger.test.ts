import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  emptyLedger,
  RESERVATION_SECONDS,
  release,
  reserve,
  type StreamLedger,
  type StreamLimits,
  type StreamRequest,
  streamLedgerSchema,
} from '../../../../functions/domain/transfer/stream-ledger.ts'

const MIB = 2 ** 20
const start = new Date('2026-11-22T02:00:00.000Z')
const after = (seconds: number): Date => new Date(start.getTime() + seconds * 1000)
const unlimited: StreamLimits = { connectionsPerNode: 4, siteBytesPerSecond: undefined, runBytesPerSecond: undefined }
const ask = (execution: string, more: Partial<StreamRequest> = {}): StreamRequest => ({
  execution,
  runId: 'run',
  node: 'pve1',
  guest: execution,
  streams: 4,
  partSizeBytes: 64 * MIB,
  ...more,
})

/** Reserves in turn and keeps the ledger as S3 would: as text. */
function ledgerOf(limits: StreamLimits) {
  let ledger = emptyLedger()
  return {
    ask: (request: StreamRequest, at: number, now: StreamLimits = limits) => {
      const answer = reserve(ledger, request, now, after(at))
      ledger = streamLedgerSchema.parse(JSON.parse(JSON.stringify(answer.ledger)))
      return answer.granted
    },
    release: (execution: string) => {
      ledger = release(ledger, execution)
    },
    get now(): StreamLedger {
      return ledger
    },
  }
}

describe('sharing the connections to a node', () => {
  it('gives a lone transfer what it wants, within the cap', () => {
    const site = ledgerOf(unlimited)
    expect(site.ask(ask('a', { streams: 3 }), 0)).toEqual({ streams: 3, shared: false })
    expect(site.ask(ask('a', { streams: 9 }), 60)).toEqual({ streams: 4, shared: false })
  })

  it('lets another node be used in full', () => {
    const site = ledgerOf(unlimited)
    site.ask(ask('a'), 0)
    expect(site.ask(ask('b', { node: 'pve2' }), 0)).toEqual({ streams: 4, shared: false })
  })

  it('has the first shrink to its half at its next round when a second waits, which then gets the other half', () => {
    const site = ledgerOf(unlimited)
    site.ask(ask('a'), 0)
    expect(site.ask(ask('b'), 10)).toMatchObject({ waitSeconds: 15 })
    expect(site.ask(ask('a'), 60)).toEqual({ streams: 2, shared: true })
    expect(site.ask(ask('b'), 61)).toEqual({ streams: 2, shared: true })
    expect(site.ask(ask('a'), 120)).toMatchObject({ streams: 2 })
  })

  it('leaves to others what a transfer does not want', () => {
    const site = ledgerOf(unlimited)
    site.ask(ask('a', { streams: 1 }), 0)
    expect(site.ask(ask('b', { streams: 8 }), 1)).toMatchObject({ streams: 3 })
  })

  it('keeps a free connection for who has waited longer', () => {
    const site = ledgerOf({ ...unlimited, connectionsPerNode: 1 })
    site.ask(ask('a'), 0)
    site.ask(ask('b'), 1)
    site.ask(ask('c'), 2)
    site.release('a')
    expect(site.ask(ask('c'), 10)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('b'), 11)).toMatchObject({ streams: 1 })
  })

  it('promises the one connection that is free to who has waited longer, though both are due one', () => {
    const site = ledgerOf(unlimited)
    site.ask(ask('a', { streams: 1 }), 0)
    site.ask(ask('b', { streams: 3 }), 0)
    site.ask(ask('first'), 1)
    site.ask(ask('second'), 2)
    site.release('a')
    expect(site.ask(ask('second'), 10)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('first'), 11)).toMatchObject({ streams: 1 })
  })

  it('does not keep anything for a waiter that never came back', () => {
    const site = ledgerOf({ ...unlimited, connectionsPerNode: 1 })
    site.ask(ask('a'), 0)
    site.ask(ask('b'), 1)
    site.release('a')
    expect(site.ask(ask('c'), 100)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('c'), 200)).toMatchObject({ streams: 1 })
  })

  it('forgets a crashed execution when its reservation lapses, and no second sooner', () => {
    const site = ledgerOf(unlimited)
    site.ask(ask('a'), 0)
    expect(site.ask(ask('b'), RESERVATION_SECONDS - 1)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('b'), RESERVATION_SECONDS)).toEqual({ streams: 4, shared: false })
  })

  it('gives back on release', () => {
    const site = ledgerOf(unlimited)
    site.ask(ask('a'), 0)
    site.ask(ask('b'), 0)
    site.release('a')
    site.release('b')
    expect(site.now).toEqual(emptyLedger())
  })
})

describe('sharing the bandwidth', () => {
  const limits: StreamLimits = { connectionsPerNode: 20, siteBytesPerSecond: 30 * MIB, runBytesPerSecond: undefined }

  it('gives a newcomer its equal share once the others have seen it wait', () => {
    const site = ledgerOf(limits)
    expect(site.ask(ask('a'), 0)).toMatchObject({ bytesPerSecond: 30 * MIB, shared: false })
    expect(site.ask(ask('b'), 1)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('a'), 60)).toMatchObject({ bytesPerSecond: 15 * MIB, shared: true })
    expect(site.ask(ask('b'), 61)).toMatchObject({ bytesPerSecond: 15 * MIB, shared: true })
  })

  it('holds the run to its own limit beside the one of the site', () => {
    const site = ledgerOf(limits)
    const mine: StreamLimits = { ...limits, runBytesPerSecond: 10 * MIB }
    expect(site.ask(ask('a', { runId: 'one' }), 0, mine)).toMatchObject({ bytesPerSecond: 10 * MIB })
    expect(site.ask(ask('b', { runId: 'two' }), 1)).toMatchObject({ bytesPerSecond: 20 * MIB })
    expect(site.ask(ask('c', { runId: 'one' }), 2, mine)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('a', { runId: 'one' }), 60, mine)).toMatchObject({ bytesPerSecond: 5 * MIB })
    expect(site.ask(ask('c', { runId: 'one' }), 61, mine)).toMatchObject({ bytesPerSecond: 5 * MIB })
  })

  it('gives to other runs what a limited run may not use', () => {
    const site = ledgerOf(limits)
    const narrow: StreamLimits = { ...limits, runBytesPerSecond: 4 * MIB }
    for (const name of ['a', 'b', 'c']) site.ask(ask(name, { runId: 'narrow' }), 0, narrow)
    for (const name of ['a', 'b', 'c']) site.ask(ask(name, { runId: 'narrow' }), 60, narrow)
    expect(site.ask(ask('wide', { runId: 'wide' }), 61)).toMatchObject({ bytesPerSecond: 26 * MIB })
  })

  it('gives to others what a slow link can not use', () => {
    const site = ledgerOf(limits)
    expect(site.ask(ask('slow', { usableBytesPerSecond: 4 * MIB }), 0)).toMatchObject({ bytesPerSecond: 4 * MIB })
    expect(site.ask(ask('fast', { node: 'pve2' }), 1)).toMatchObject({ bytesPerSecond: 26 * MIB })
  })

  it('lets one after the other go where equal shares would be too small for a part', () => {
    const narrow: StreamLimits = { ...limits, siteBytesPerSecond: 0.3 * MIB }
    const site = ledgerOf(narrow)
    expect(site.ask(ask('a'), 0)).toMatchObject({ streams: 1, bytesPerSecond: 0.3 * MIB })
    expect(site.ask(ask('b'), 1)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('b'), 31)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('a'), 60)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('b'), 61)).toMatchObject({ streams: 1, bytesPerSecond: 0.3 * MIB })
  })

  it('gives nothing while a round runs that was begun without a limit', () => {
    const site = ledgerOf(limits)
    site.ask(ask('a'), 0, { ...limits, siteBytesPerSecond: undefined })
    expect(site.ask(ask('b'), 10)).toHaveProperty('waitSeconds')
    expect(site.ask(ask('a'), 20)).toMatchObject({ bytesPerSecond: 15 * MIB })
  })

  it('gives nothing in a closed window', () => {
    const site = ledgerOf({ ...limits, siteBytesPerSecond: 0 })
    expect(site.ask(ask('a'), 0)).toHaveProperty('waitSeconds')
  })
})

describe('whatever the order in which transfers come, go and die', () => {
  interface Step {
    who: number
    act: 'ask' | 'release' | 'die'
    pass: number
    streams: number
    usable: number | undefined
  }
  const step: fc.Arbitrary<Step> = fc.record({
    who: fc.integer({ min: 0, max: 7 }),
    act: fc.constantFrom<Step['act']>('ask', 'ask', 'ask', 'release', 'die'),
    pass: fc.integer({ min: 0, max: 400 }),
    streams: fc.integer({ min: 1, max: 12 }),
    usable: fc.option(fc.integer({ min: 1000, max: 50 * MIB }), { nil: undefined }),
  })
  const limitsOf = fc.record({
    connectionsPerNode: fc.integer({ min: 1, max: 8 }),
    siteBytesPerSecond: fc.option(fc.integer({ min: 1, max: 40 * MIB }), { nil: undefined }),
    runLimits: fc.tuple(
      fc.option(fc.integer({ min: 1, max: 40 * MIB }), { nil: undefined }),
      fc.option(fc.integer({ min: 1, max: 40 * MIB }), { nil: undefined }),
    ),
    partMib: fc.constantFrom(64, 64, 640, 5120),
  })

  it('never promises more than a limit, to a node, a run or the site', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), limitsOf, (steps, { runLimits, partMib, ...limits }) => {
        const site = ledgerOf({ ...limits, runBytesPerSecond: undefined })
        let at = 0
        for (const { who, act, pass, streams, usable } of steps) {
          at += pass
          if (act === 'release') site.release(`${who}`)
          if (act !== 'ask') continue
          const request = ask(`${who}`, {
            node: `pve${who % 3}`,
            runId: `run${who % 2}`,
            streams,
            partSizeBytes: partMib * MIB,
            usableBytesPerSecond: usable,
          })
          const granted = site.ask(request, at, { ...limits, runBytesPerSecond: runLimits[who % 2] })
          const [value, most] = 'streams' in granted ? [granted.streams, streams] : [granted.waitSeconds, 120]
          expect(value).toBeGreaterThanOrEqual(1)
          expect(value).toBeLessThanOrEqual(most)
          const alive = site.now.reservations.filter(({ until }) => Date.parse(until) > after(at).getTime())
          for (const node of ['pve0', 'pve1', 'pve2']) {
            const taken = alive.filter((entry) => entry.node === node).reduce((sum, entry) => sum + entry.streams, 0)
            expect(taken).toBeLessThanOrEqual(limits.connectionsPerNode)
          }
          const rate = (entries: typeof alive): number =>
            entries.reduce((sum, entry) => sum + (entry.bytesPerSecond ?? Number.POSITIVE_INFINITY), 0)
          // Sums of fractions of a byte.
          const tolerance = 1 + 1e-9
          const unlimitedIfAbsent = (limit: number | undefined): number =>
            (limit ?? Number.POSITIVE_INFINITY) * tolerance
          expect(rate(alive)).toBeLessThanOrEqual(unlimitedIfAbsent(limits.siteBytesPerSecond))
          for (const [index, limit] of runLimits.entries()) {
            const itsRate = rate(alive.filter(({ runId }) => runId === `run${index}`))
            expect(itsRate).toBeLessThanOrEqual(unlimitedIfAbsent(limit))
          }
          expect(new Set([...site.now.reservations, ...site.now.waiters].map(({ execution }) => execution)).size).toBe(
            site.now.reservations.length + site.now.waiters.length,
          )
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('serves everyone: with any number of transfers and limits each gets its turn again and again', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        limitsOf,
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 12, maxLength: 12 }),
        fc.array(fc.integer({ min: 20, max: 600 }), { minLength: 12, maxLength: 12 }),
        (count, { runLimits, partMib, ...limits }, wanted, lasts) => {
          let ledger = emptyLedger()
          const turns = Array.from({ length: count }, () => 0)
          const longestWait = Array.from({ length: count }, () => 0)
          const next = Array.from({ length: count }, (_, who) => who)
          const waitingSince: (number | undefined)[] = Array.from({ length: count }, () => 0)
          for (let at = 0; at < 15_000; at = Math.min(...next)) {
            for (let who = 0; who < count; who++) {
              if (next[who] !== at) continue
              const request = ask(`${who}`, {
                node: `pve${who % 3}`,
                runId: `run${who % 2}`,
                streams: wanted[who] ?? 1,
                partSizeBytes: partMib * MIB,
              })
              const answer = reserve(ledger, request, { ...limits, runBytesPerSecond: runLimits[who % 2] }, after(at))
              ledger = answer.ledger
              const { granted } = answer
              if ('waitSeconds' in granted) {
                waitingSince[who] ??= at
                next[who] = at + granted.waitSeconds
              } else {
                turns[who] = (turns[who] ?? 0) + 1
                longestWait[who] = Math.max(longestWait[who] ?? 0, at - (waitingSince[who] ?? at))
                waitingSince[who] = undefined
                next[who] = at + (granted.shared ? Math.min(120, lasts[who] ?? 60) : (lasts[who] ?? 60)) + 5
              }
            }
          }
          expect(Math.min(...turns)).toBeGreaterThan(1)
          // A round of each other, and the looks between: nobody is passed over.
          expect(Math.max(...longestWait)).toBeLessThan(600 + count * 400)
        },
      ),
      { numRuns: 40 },
    )
  })
})
