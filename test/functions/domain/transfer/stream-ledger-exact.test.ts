import { describe, expect, it } from 'vitest'
import {
  emptyLedger,
  release,
  RESERVATION_SECONDS,
  reserve,
  type StreamLedger,
  streamLedgerSchema,
  type StreamLimits,
  type StreamRequest,
} from '../../../../functions/domain/transfer/stream-ledger.ts'

const MIB = 2 ** 20
const start = new Date('2026-11-22T02:00:00.000Z')
const iso = (seconds: number) => new Date(start.getTime() + seconds * 1000).toISOString()
const unlimited: StreamLimits = { connectionsPerNode: 4, siteBytesPerSecond: undefined, runBytesPerSecond: undefined }
const ask = (execution: string, its: Partial<StreamRequest> = {}): StreamRequest => ({
  execution,
  runId: 'run',
  node: 'pve1',
  guest: execution,
  streams: 4,
  partSizeBytes: 300 * MIB,
  ...its,
})

/** Those that wait or run already, each a second after the one before. */
type Held = StreamLedger['reservations'][0]
type Waits = StreamLedger['waiters'][0]
const claim = (execution: string, since: number) => ({
  execution,
  runId: 'run',
  node: 'pve1',
  guest: execution,
  wanted: 4,
  leastBytesPerSecond: MIB,
  since: iso(since),
  until: iso(900),
})
const runs = (execution: string, its: Partial<Held> = {}): Held => ({ ...claim(execution, -60), streams: 1, ...its })
const waits = (execution: string, since: number, its: Partial<Waits> = {}): Waits => ({
  ...claim(execution, since),
  waitsFor: 'connections',
  ...its,
})
const ledger = (reservations: Held[], waiters: Waits[] = []): StreamLedger => ({ version: 1, reservations, waiters })
const reserved = (before: StreamLedger, request: StreamRequest, limits: Partial<StreamLimits> = {}, seconds = 0) =>
  reserve(before, request, { ...unlimited, ...limits }, new Date(start.getTime() + seconds * 1000))

describe('what is written of a reservation', () => {
  it('is everything that its successor needs to know', () => {
    const limits = { siteBytesPerSecond: 100 * MIB, runBytesPerSecond: 50 * MIB }
    const { ledger: after, granted } = reserved(emptyLedger(), ask('a', { usableBytesPerSecond: 20 * MIB }), limits)
    expect(granted).toEqual({ streams: 4, bytesPerSecond: 20 * MIB, shared: false })
    expect(after).toEqual(
      ledger([
        {
          ...claim('a', 0),
          until: iso(RESERVATION_SECONDS),
          usableBytesPerSecond: 20 * MIB,
          runBytesPerSecond: 50 * MIB,
          streams: 4,
          bytesPerSecond: 20 * MIB,
        },
      ]),
    )
    const { ledger: plain } = reserved(emptyLedger(), ask('a'))
    expect(plain.reservations).toEqual([{ ...claim('a', 0), until: iso(RESERVATION_SECONDS), streams: 4 }])
  })

  it('takes the place of what the execution held, and nothing of anybody else', () => {
    const before = ledger([runs('a'), runs('b', { node: 'pve2' })], [waits('c', -5, { node: 'pve3' })])
    const { ledger: after } = reserved(before, ask('a'))
    expect(after.reservations.map(({ execution }) => execution)).toEqual(['b', 'a'])
    expect(after.waiters).toEqual(before.waiters)
    expect(release(before, 'a')).toEqual(ledger([runs('b', { node: 'pve2' })], before.waiters))
    expect(release(before, 'c')).toEqual(ledger(before.reservations))
  })

  it('lapses at its last second', () => {
    const before = ledger(
      [runs('b', { streams: 4, until: iso(10) })],
      [waits('c', -5, { until: iso(10), node: 'pve2' })],
    )
    expect(reserved(before, ask('a'), {}, 9).granted).toHaveProperty('waitSeconds')
    const { ledger: after, granted } = reserved(before, ask('a'), {}, 10)
    expect(granted).toEqual({ streams: 4, shared: false })
    expect(after.waiters).toEqual([])
  })
})

describe('a ledger as it is stored', () => {
  it('names execution, run, node and guest of each entry, however short; what it counts is whole and above nothing', () => {
    const short = { ...runs('e'), runId: 'r', node: 'n', guest: 'g', wanted: 1, leastBytesPerSecond: 0 }
    const most = { ...short, usableBytesPerSecond: 1, runBytesPerSecond: 0, bytesPerSecond: 1 }
    for (const one of [short, most]) expect(streamLedgerSchema.parse(ledger([one]))).toEqual(ledger([one]))
    const bad = [
      ...['execution', 'runId', 'node', 'guest', 'since', 'until'].map((key) => ({ [key]: '' })),
      ...['wanted', 'streams', 'usableBytesPerSecond', 'bytesPerSecond'].map((key) => ({ [key]: 0 })),
      ...['wanted', 'streams'].map((key) => ({ [key]: 1.5 })),
      ...['leastBytesPerSecond', 'runBytesPerSecond'].map((key) => ({ [key]: -1 })),
      { waitsFor: 'connections' },
    ]
    for (const its of bad) {
      const stored = { ...ledger([]), reservations: [{ ...most, ...its }] }
      expect(streamLedgerSchema.safeParse(stored).success, JSON.stringify(its)).toBe(false)
    }
    for (const waitsFor of ['connections', 'bandwidth'] as const) {
      expect(streamLedgerSchema.safeParse(ledger([], [waits('w', 0, { waitsFor })])).success).toBe(true)
    }
    expect(
      streamLedgerSchema.safeParse({ ...ledger([], []), waiters: [{ ...waits('w', 0), waitsFor: '' }] }).success,
    ).toBe(false)
    expect(streamLedgerSchema.safeParse({ ...ledger([]), version: 2 }).success).toBe(false)
  })
})

describe('who waits for connections', () => {
  const full = runs('x', { streams: 4 })

  it('is told why, and asked to be back the later the more come first', () => {
    const before = ledger([full], [waits('b', -9), waits('c', -8), waits('d', 8)])
    const { ledger: after, granted } = reserved(before, ask('a'))
    expect(granted).toEqual({ waitSeconds: 45, reason: 'All 4 connections to node pve1 are taken or promised.' })
    expect(after.waiters.at(-1)).toEqual({ ...claim('a', 0), until: iso(45 + 120), waitsFor: 'connections' })
    expect(after.reservations).toEqual([full])
  })

  it('is never asked to stay away for longer than two minutes', () => {
    const many = Array.from({ length: 20 }, (_, at) => waits(`w${at}`, -30 + at))
    expect(reserved(ledger([full], many), ask('a')).granted).toMatchObject({ waitSeconds: 120 })
  })

  it('keeps the time since when it waits', () => {
    const { ledger: after } = reserved(ledger([full], [waits('b', -3), waits('a', -5)]), ask('a'))
    expect(after.waiters.at(-1)).toMatchObject({ execution: 'a', since: iso(-5) })
  })

  it('of two since the same moment comes by name', () => {
    const both = ledger([full], [waits('b', 0)])
    expect(reserved(both, ask('a')).granted).toMatchObject({ waitSeconds: 15 })
    expect(reserved(both, ask('c')).granted).toMatchObject({ waitSeconds: 30 })
  })

  it('is promised what is free before who came later, and before who ran until now', () => {
    const oneFree = [runs('x', { streams: 3 })]
    expect(reserved(ledger(oneFree, [waits('b', -1)]), ask('a')).granted).toHaveProperty('waitSeconds')
    expect(reserved(ledger(oneFree, [waits('b', 1)]), ask('a')).granted).toMatchObject({ streams: 1 })
    // Four are shared by three who want them all; what doesn't divide falls to the last, who ran until now.
    const ran = ledger([runs('x', { streams: 1 }), runs('a', { streams: 3 })], [waits('b', -1)])
    expect(reserved(ran, ask('a')).granted).toEqual({ streams: 2, shared: true })
    const elsewhere = ledger([runs('x', { streams: 3 })], [waits('b', -1, { node: 'pve2' })])
    expect(reserved(elsewhere, ask('a')).granted).toMatchObject({ streams: 1 })
  })

  it('shares with who is on the same node; with others only a bandwidth', () => {
    const other = ledger([runs('x', { node: 'pve2', bytesPerSecond: MIB, usableBytesPerSecond: MIB })])
    expect(reserved(other, ask('a')).granted).toEqual({ streams: 4, shared: false })
    expect(reserved(other, ask('a'), { siteBytesPerSecond: 40 * MIB }).granted).toMatchObject({ shared: true })
    expect(reserved(ledger([runs('x')]), ask('a')).granted).toMatchObject({ shared: true })
  })
})

describe('who waits for bandwidth', () => {
  const site = (mib: number) => ({ siteBytesPerSecond: mib * MIB })

  it('is told of whom: the site’s or its run’s', () => {
    const taken = ledger([runs('x', { node: 'pve2', bytesPerSecond: 8 * MIB })])
    const { ledger: after, granted } = reserved(taken, ask('a'), site(8))
    expect(granted).toEqual({ waitSeconds: 15, reason: 'The bandwidth of the site is taken or promised to others.' })
    expect(after.waiters).toMatchObject([{ execution: 'a', waitsFor: 'bandwidth' }])
    expect(reserved(taken, ask('a'), { runBytesPerSecond: 8 * MIB }).granted).toMatchObject({
      reason: 'The bandwidth of run run is taken or promised to others.',
    })
    // The run's own limit is nothing to another run's.
    expect(reserved(taken, ask('a', { runId: 'other' }), { runBytesPerSecond: 8 * MIB }).granted).toMatchObject({
      bytesPerSecond: 8 * MIB,
    })
  })

  it('shares with those who run in the order in which they began, as far as it reaches', () => {
    const late = runs('late', { since: iso(-10), leastBytesPerSecond: 10 * MIB, bytesPerSecond: 1 })
    const early = runs('early', { since: iso(-60), leastBytesPerSecond: 60 * MIB, bytesPerSecond: 1 })
    const request = ask('a', { partSizeBytes: 35 * 300 * MIB })
    const limits = { siteBytesPerSecond: 100 * MIB }
    // 35 and 60 are all that fits into 100: what the second needs, the first doesn't get.
    expect(reserved(ledger([late, early]), request, limits).granted).toMatchObject({ bytesPerSecond: 40 * MIB })
  })

  it('begins with a quarter of its due, and with no less', () => {
    const taken = (mib: number) => ledger([runs('x', { node: 'pve2', bytesPerSecond: mib * MIB })])
    // Due are 8 of 16.
    expect(reserved(taken(14), ask('a'), site(16)).granted).toMatchObject({ bytesPerSecond: 2 * MIB })
    expect(reserved(taken(14.01), ask('a'), site(16)).granted).toHaveProperty('waitSeconds')
  })

  it('gets as many streams as parts arrive in time over, at least one', () => {
    expect(reserved(emptyLedger(), ask('a'), site(3.5)).granted).toMatchObject({
      streams: 3,
      bytesPerSecond: 3.5 * MIB,
    })
    expect(reserved(emptyLedger(), ask('a'), site(0.5)).granted).toMatchObject({ streams: 1 })
    expect(reserved(emptyLedger(), ask('a', { streams: 2 }), site(3.5)).granted).toMatchObject({ streams: 2 })
  })

  it('gets the lesser of what site and run let it have', () => {
    const both = (siteMib: number, runMib: number) =>
      reserved(emptyLedger(), ask('a'), { siteBytesPerSecond: siteMib * MIB, runBytesPerSecond: runMib * MIB }).granted
    expect(both(9, 5)).toMatchObject({ bytesPerSecond: 5 * MIB })
    expect(both(5, 9)).toMatchObject({ bytesPerSecond: 5 * MIB })
  })

  it('gets nothing while something runs that was begun without a limit', () => {
    expect(reserved(ledger([runs('x', { node: 'pve2' })]), ask('a'), site(100)).granted).toHaveProperty('waitSeconds')
  })

  it('is promised nothing that is kept for who waits for connections only', () => {
    const waiting = (waitsFor: 'connections' | 'bandwidth') => ledger([], [waits('b', -5, { node: 'pve2', waitsFor })])
    expect(reserved(waiting('connections'), ask('a'), site(8)).granted).toMatchObject({ bytesPerSecond: 8 * MIB })
    expect(reserved(waiting('bandwidth'), ask('a'), site(8)).granted).toMatchObject({ bytesPerSecond: 4 * MIB })
  })

  it('shares with no more than others can use: by their link, and by their run', () => {
    const slow = { node: 'pve2', bytesPerSecond: 2 * MIB, usableBytesPerSecond: 2 * MIB }
    expect(reserved(ledger([runs('x', slow)]), ask('a'), site(10)).granted).toMatchObject({ bytesPerSecond: 8 * MIB })
    const limited = { node: 'pve2', runId: 'limited', bytesPerSecond: 3 * MIB, runBytesPerSecond: 3 * MIB }
    expect(reserved(ledger([runs('x', limited)]), ask('a'), site(10)).granted).toMatchObject({
      bytesPerSecond: 7 * MIB,
    })
    // Two of that run share its limit; the higher counts where they differ.
    const two = [
      runs('x', { ...limited, bytesPerSecond: MIB, runBytesPerSecond: 2 * MIB }),
      runs('y', { ...limited, node: 'pve3', bytesPerSecond: 2 * MIB, runBytesPerSecond: 4 * MIB }),
    ]
    expect(reserved(ledger(two), ask('a'), site(10)).granted).toMatchObject({ bytesPerSecond: 6 * MIB })
  })

  it('counts a link as no slower than a part needs', () => {
    const crawling = { node: 'pve2', bytesPerSecond: MIB, usableBytesPerSecond: 1 }
    expect(reserved(ledger([runs('x', crawling)]), ask('a'), site(10)).granted).toMatchObject({
      bytesPerSecond: 9 * MIB,
    })
  })
})
