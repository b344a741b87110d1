import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keepRulesSchema, retentionSchema, type KeepRules } from '../../../../functions/contracts/retention.ts'
import { planRetention } from '../../../../functions/domain/retention/retention.ts'
import { markBackups } from '../../../../local/labs/proxmox/prune.ts'

const archive = (createdAt: string, isProtected = false) => ({ createdAt, protected: isProtected })
const told = (times: string[], rules: KeepRules, zone = 'UTC') =>
  planRetention(
    times.map((time) => archive(time)),
    rules,
    zone,
  ).map(({ mark, reason }) => `${mark} - ${reason}`)

describe('planRetention', () => {
  it('names the rule and the period that keep an archive, and the rule that lets one go', () => {
    expect(
      told(['2026-01-04T10:00:00Z', '2026-01-04T22:00:00Z', '2026-01-03T22:00:00Z', '2025-12-31T22:00:00Z'], {
        'keep-daily': 1,
        'keep-monthly': 1,
      }),
    ).toEqual([
      'remove - removed: keep-daily keeps another of 2026-01-04',
      'keep - kept: keep-daily 2026-01-04',
      'remove - removed: no rule keeps it',
      'keep - kept: keep-monthly 2025-12',
    ])
  })

  it('keeps everything without a positive count, and with keep-all', () => {
    const times = ['2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z']
    expect(told(times, {})).toEqual(Array(2).fill('keep - kept: no rule has a count'))
    expect(told(times, { 'keep-last': 0, 'keep-yearly': 0 })).toEqual(Array(2).fill('keep - kept: no rule has a count'))
    expect(told(times, { 'keep-all': true })).toEqual(Array(2).fill('keep - kept: keep-all'))
  })

  it('leaves protected archives outside the count and lets them cover nothing', () => {
    const plan = planRetention(
      [archive('2026-01-03T00:00:00Z', true), archive('2026-01-02T00:00:00Z'), archive('2026-01-01T00:00:00Z')],
      { 'keep-last': 1 },
      'UTC',
    )
    expect(plan.map(({ mark }) => mark)).toEqual(['protected', 'keep', 'remove'])
  })

  it('takes the hour that comes twice in autumn for one, in the zone where it does', () => {
    // 00:30 and 01:30 UTC are both 02:30 in Vienna on the last Sunday of October.
    const times = ['2026-10-25T01:30:00Z', '2026-10-25T00:30:00Z']
    expect(told(times, { 'keep-hourly': 2 }, 'Europe/Vienna').map((text) => text.slice(0, 6))).toEqual([
      'keep -',
      'remove',
    ])
    expect(told(times, { 'keep-hourly': 2 }, 'UTC').map((text) => text.slice(0, 6))).toEqual(['keep -', 'keep -'])
  })

  it('counts ISO weeks: Monday begins one, and Thursday decides its year', () => {
    const times = ['2027-01-03T12:00:00Z', '2026-12-28T12:00:00Z', '2026-12-27T12:00:00Z', '2026-01-01T12:00:00Z']
    expect(told(times, { 'keep-weekly': 3 })).toEqual([
      'keep - kept: keep-weekly 2026-W53',
      'remove - removed: keep-weekly keeps another of 2026-W53',
      'keep - kept: keep-weekly 2026-W52',
      'keep - kept: keep-weekly 2026-W01',
    ])
  })

  it('keeps one of several archives with the same time: the first given', () => {
    const time = '2026-01-01T00:00:00Z'
    expect(told([time, time, '2025-12-31T00:00:00Z'], { 'keep-last': 2 }).map((text) => text.slice(0, 4))).toEqual([
      'keep',
      'remo',
      'keep',
    ])
  })
})

const zones = ['UTC', 'Europe/Vienna', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia']
const rulesOf = fc.record({
  'keep-last': fc.nat({ max: 4 }),
  'keep-hourly': fc.nat({ max: 4 }),
  'keep-daily': fc.nat({ max: 5 }),
  'keep-weekly': fc.nat({ max: 4 }),
  'keep-monthly': fc.nat({ max: 4 }),
  'keep-yearly': fc.nat({ max: 3 }),
})
/** Dense and sparse sets around changes of the clock, the year and the century's odd weeks. */
const archivesOf = fc
  .tuple(fc.integer({ min: 1_400_000_000, max: 1_900_000_000 }), fc.constantFrom(3_600, 86_400, 30 * 86_400))
  .chain(([start, step]) =>
    fc
      .array(
        fc.record({
          offset: fc.nat({ max: 40 * step }),
          protected: fc.boolean().map((flag) => flag && start % 3 === 0),
        }),
        { maxLength: 40 },
      )
      .map((found) =>
        found.map(({ offset, protected: isProtected }) =>
          archive(new Date((start + offset) * 1000).toISOString(), isProtected),
        ),
      ),
  )

describe('any plan', () => {
  it("decides as the simulated site's own pruning does", () => {
    fc.assert(
      fc.property(archivesOf, rulesOf, fc.constantFrom(...zones), (archives, rules, zone) => {
        const site = markBackups(
          archives.map(({ createdAt, protected: isProtected }) => ({
            subtype: 'qemu',
            vmid: 100,
            ctime: Date.parse(createdAt) / 1000,
            protected: isProtected,
            standardName: true,
          })),
          rules,
          zone,
        )
        expect(planRetention(archives, rules, zone).map(({ mark }) => mark)).toEqual(site.map(({ mark }) => mark))
      }),
      { numRuns: 300 },
    )
  })

  it('decides nothing anew once it was carried out', () => {
    fc.assert(
      fc.property(archivesOf, rulesOf, fc.constantFrom(...zones), (archives, rules, zone) => {
        const left = planRetention(archives, rules, zone).filter(({ mark }) => mark !== 'remove')
        const again = planRetention(
          left.map((entry) => entry.archive),
          rules,
          zone,
        )
        expect(again.map(({ mark }) => mark)).toEqual(left.map(({ mark }) => mark))
      }),
    )
  })

  it('keeps no more than its counts add up to, and the newest unprotected archive always', () => {
    fc.assert(
      fc.property(archivesOf, rulesOf, (archives, rules) => {
        const sum = Object.values(rules).reduce((total, count) => total + count, 0)
        const plan = planRetention(archives, rules, 'UTC').filter(({ mark }) => mark !== 'protected')
        const kept = plan.filter(({ mark }) => mark === 'keep')
        const newest = (marked: typeof plan) => Math.max(...marked.map((entry) => Date.parse(entry.archive.createdAt)))
        expect(kept.length).toBeLessThanOrEqual(sum > 0 ? sum : plan.length)
        expect(kept.length).toBeGreaterThanOrEqual(sum > 0 ? 0 : plan.length)
        expect(newest(kept)).toBe(newest(plan))
      }),
    )
  })
})

describe('retentionSchema', () => {
  it('takes rules alone and adds the limits', () => {
    expect(retentionSchema.parse({ 'keep-last': 3 })).toEqual({
      'keep-last': 3,
      timeZone: 'UTC',
      minimumArchives: 1,
      largestShare: 0.5,
    })
  })

  it.each([
    { 'keep-all': true, 'keep-last': 1 },
    { 'keep-last': -1 },
    { timeZone: 'Europe/Nowhere' },
    { minimumArchives: 0 },
    { largestShare: 0 },
    { largestShare: 1.1 },
    { orphans: { 'keep-all': true, 'keep-daily': 1 } },
    { 'keep-newest': 1 },
  ])('refuses %j', (policy) => {
    expect(retentionSchema.safeParse(policy).success).toBe(false)
  })

  it('takes keep-all beside rules that count nothing, as Proxmox does', () => {
    expect(keepRulesSchema.safeParse({ 'keep-all': true, 'keep-last': 0 }).success).toBe(true)
  })
})
