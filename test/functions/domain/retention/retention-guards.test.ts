import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Retention, retentionSchema } from '../../../../functions/contracts/retention.ts'
import {
  type Circumstances,
  type GuardedArchive,
  guardRetention,
  strangeNewest,
} from '../../../../functions/domain/retention/retention-guards.ts'
import { archiveTime } from '../../../../functions/domain/time/archive-time.ts'
import { guestsOfId } from '../../../../functions/domain/identity/guests-of-id.ts'
import { planRetention } from '../../../../functions/domain/retention/retention.ts'

const DAY = 86_400_000
const newestAt = Date.parse('2026-11-20T02:00:00Z')

/** `daysAgo` dates and names it. */
function archive(daysAgo: number, its: Partial<GuardedArchive> = {}): GuardedArchive {
  const createdAt = new Date(newestAt - daysAgo * DAY).toISOString()
  return {
    folder: `archives/hq/vm-100/${createdAt}/`,
    createdAt,
    protected: false,
    verified: false,
    sizeBytes: 1000,
    compress: 'zstd',
    ...its,
  }
}
const days = (count: number) => Array.from({ length: count }, (_, daysAgo) => archive(daysAgo))
const policy = (rules: object): Retention => retentionSchema.parse(rules)
const ordinary: Circumstances = { gone: false, confirmed: false }
const confirmed: Circumstances = { gone: false, confirmed: true }

function outcome(archives: GuardedArchive[], rules: object, circumstances = confirmed) {
  const { decisions, warnings } = guardRetention(archives, policy(rules), circumstances)
  return {
    told: decisions.map(({ decision, guard }) => (guard === undefined ? decision : `${decision}: ${guard}`)),
    warnings,
  }
}

describe('guardRetention', () => {
  it('leaves what the rules decide alone where nothing is at stake', () => {
    expect(outcome(days(3), { 'keep-last': 2 }, ordinary)).toEqual({ told: ['keep', 'keep', 'remove'], warnings: [] })
  })

  it('never removes the last archive that was verified, however old', () => {
    const archives = [archive(0), archive(1), archive(2, { verified: true }), archive(3, { verified: true })]
    expect(outcome(archives, { 'keep-last': 1 }).told).toEqual(['keep', 'remove', 'keep: last-verified', 'remove'])
  })

  it('never lets archives that are less than required push out the last one that was not', () => {
    const lesser = { lesser: true } as const
    const nights = [archive(0, lesser), archive(1, lesser), archive(2), archive(3)]
    expect(outcome(nights, { 'keep-last': 1 }).told).toEqual(['keep', 'remove', 'keep: last-as-required', 'remove'])
    // A later one is as required again: it goes like any other.
    const mended = [archive(0), archive(1, lesser), archive(2), archive(3)]
    expect(outcome(mended, { 'keep-last': 1 }).told).toEqual(['keep', 'remove', 'remove', 'remove'])
    // One that can't be trusted is no archive as required.
    const doubted = [archive(0, lesser), archive(1, { problem: 'Files are gone.' }), archive(2), archive(3)]
    expect(outcome(doubted, { 'keep-last': 1 }).told.slice(2)).toEqual(['keep: last-as-required', 'remove'])
  })

  it('never goes below the least number of archives', () => {
    expect(outcome(days(5), { 'keep-last': 1, minimumArchives: 3 }).told).toEqual([
      'keep',
      'keep: minimum-archives',
      'keep: minimum-archives',
      'remove',
      'remove',
    ])
  })

  it('counts no archive without a good manifest, neither to keep others nor to cover a period', () => {
    const archives = [archive(0), archive(1, { problem: 'There is no manifest.' }), archive(2), archive(3)]
    expect(outcome(archives, { 'keep-last': 2, minimumArchives: 2 }).told).toEqual([
      'keep',
      'keep: untrusted',
      'keep',
      'remove',
    ])
  })

  it.each([
    ['has shrunk to less than half', { sizeBytes: 499 }],
    ['has grown to more than double', { sizeBytes: 2001 }],
    ['was found bad', { problem: 'Its verification failed.' }],
  ])('removes nothing while the newest archive %s, and says so', (_what, its) => {
    const { told, warnings } = outcome([archive(0, its), ...days(6).slice(1)], { 'keep-last': 2 })
    expect(told.filter((decision) => decision === 'remove')).toEqual([])
    expect(told).toContain('keep: newest-looks-wrong')
    expect(warnings).toEqual([expect.stringMatching(/^The newest archive \(2026-11-20T02:00:00.000Z\) looks wrong: /)])
  })

  it.each([
    ['compresses no more', { sizeBytes: 1000, contentBytes: 1000 }, /^.* looks wrong: It has 100 % of the size /],
    ['looks random', { entropyBitsPerByte: 7.9 }, /^.* looks wrong: Its content has 7.9 bits per byte/],
    [
      'is odd in every way',
      { sizeBytes: 4000, contentBytes: 4000, entropyBitsPerByte: 7.9 },
      /looks wrong: It has 4000 bytes.*\. It has 100 %.*\. Its content has 7.9/,
    ],
  ])('removes nothing while the content of the newest archive %s', (_what, its, sentence) => {
    const calm = { contentBytes: 2000, entropyBitsPerByte: 5 }
    const archives = [
      archive(0, { ...calm, ...its }),
      ...days(6)
        .slice(1)
        .map((one) => ({ ...one, ...calm })),
    ]
    const { told, warnings } = outcome(archives, { 'keep-last': 2 })
    expect(told).toEqual(['keep', 'keep', ...Array.from({ length: 4 }, () => 'keep: newest-looks-wrong')])
    expect(warnings).toEqual([expect.stringMatching(sentence)])
  })

  it('compares content with that of archives that can be trusted and are compressed likewise', () => {
    const calm = { contentBytes: 2000, entropyBitsPerByte: 5 }
    const newest = archive(0, { contentBytes: 1000, entropyBitsPerByte: 7.9 })
    const beside = (its: Partial<GuardedArchive>) =>
      outcome(
        [
          newest,
          ...days(6)
            .slice(1)
            .map((one) => ({ ...one, ...calm, ...its })),
        ],
        { 'keep-last': 9 },
      ).warnings
    expect(beside({})).toHaveLength(1)
    expect(beside({ compress: 'gzip' })).toEqual([])
    expect(beside({ problem: 'Its verification failed.' })).toEqual([])
  })

  it('prunes again by itself once most of the last ten archives look like the newest', () => {
    let archives = Array.from({ length: 10 }, (_, n) => archive(20 + n, { contentBytes: 2000 }))
    const removed: number[] = []
    for (let day = 9; day >= 0; day -= 1) {
      archives = [archive(day, { contentBytes: 1000 }), ...archives]
      const { decisions } = guardRetention(archives, policy({ 'keep-last': 8 }), confirmed)
      removed.push(decisions.filter(({ decision }) => decision === 'remove').length)
      archives = decisions.filter(({ decision }) => decision !== 'remove').map((one) => one.archive)
    }
    expect(removed).toEqual([0, 0, 0, 0, 0, 0, 9, 1, 1, 1])
  })

  it('takes sizes of another compression for no history', () => {
    const archives = [archive(0, { sizeBytes: 9000, compress: 'none' }), ...days(6).slice(1)]
    expect(outcome(archives, { 'keep-last': 3 }).warnings).toEqual([])
  })

  it('goes on pruning when a folder without a manifest is the newest: failed tries push nothing out', () => {
    const { compress: _none, ...unfinished } = archive(0, { problem: 'There is no manifest.' })
    expect(outcome([unfinished, ...days(4).slice(1)], { 'keep-last': 2 }).told).toEqual([
      'keep: untrusted',
      'keep',
      'keep',
      'remove',
    ])
  })

  it('removes all or none when too many would go at once, until a person confirms', () => {
    const unconfirmed = outcome(days(10), { 'keep-last': 3 }, ordinary)
    expect(unconfirmed.told.filter((decision) => decision === 'remove')).toEqual([])
    expect(unconfirmed.warnings).toEqual([expect.stringMatching(/^7 of 10 archives .* largestShare \(0.5\)/)])
    expect(
      outcome(days(10), { 'keep-last': 3 }, confirmed).told.filter((decision) => decision === 'remove'),
    ).toHaveLength(7)
  })

  it('keeps all archives of a guest that is gone, or what the rules for such guests keep', () => {
    const gone = { gone: true, confirmed: true }
    expect(outcome(days(3), { 'keep-last': 1 }, gone).told).toEqual(['keep', 'keep', 'keep'])
    const own = { 'keep-all': true, orphans: { 'keep-last': 2 } }
    expect(outcome(days(3), own, gone).told).toEqual(['keep', 'keep', 'remove'])
    expect(outcome(days(3), own, confirmed).told).toEqual(['keep', 'keep', 'keep'])
  })

  it('tells the guard and the rule that it overrides', () => {
    const [, , last] = guardRetention(
      [archive(0), archive(1), archive(2, { verified: true })],
      policy({ 'keep-last': 2 }),
      confirmed,
    ).decisions
    expect(last?.reason).toBe('kept: it is the last verified archive of this guest (else removed: no rule keeps it)')
  })
})

const payroll = { id: 'smbios:payroll' }
const scratch = { id: 'smbios:scratch' }

/** `daysAgo` by the trusted time, and by the platform's clock unless `its` tells another date. */
function made(daysAgo: number, its: Partial<NonNullable<GuardedArchive['facts']>> & Partial<GuardedArchive> = {}) {
  const { name = 'web', identity, marks, writtenAt, clockOffsetSeconds, ...own } = its
  const bare = archive(daysAgo)
  const createdAt = own.createdAt ?? bare.createdAt
  const facts = {
    name,
    createdAt,
    writtenAt: writtenAt ?? bare.createdAt,
    ...(identity === undefined ? {} : { identity }),
    ...(marks === undefined ? {} : { marks }),
    ...(clockOffsetSeconds === undefined ? {} : { clockOffsetSeconds }),
  }
  return { ...bare, ...own, folder: `archives/hq/vm-100/${createdAt}/`, createdAt, at: archiveTime(facts), facts }
}
const guarded = (archives: GuardedArchive[], rules: object, its: Partial<Circumstances> = {}) =>
  guardRetention(archives, policy(rules), { ...confirmed, now: new Date(newestAt + DAY / 2), ...its })
const tell = ({ decisions }: ReturnType<typeof guarded>) =>
  decisions.map(({ decision, guard }) => (guard === undefined ? decision : `${decision}: ${guard}`))

describe('an id that was given again', () => {
  const former = [5, 4, 3].map((days) => made(days, { name: 'payroll-db', identity: payroll }))
  const present = [2, 1, 0].map((days) => made(days, { name: 'scratch', identity: scratch }))

  it('lets no rule of the new guest touch the archives of the one before', () => {
    const plan = guarded([...former, ...present], { 'keep-last': 1 }, { identity: scratch })
    expect(tell(plan)).toEqual(['keep', 'keep', 'keep', 'remove', 'remove', 'keep'])
    expect(plan.decisions[0]).toMatchObject({
      formerGuest: 'payroll-db',
      reason: 'kept: no rule has a count (of another guest that had this id, payroll-db)',
    })
    // The same where nobody asked the site: the guest that was archived last has the id.
    expect(tell(guarded([...former, ...present], { 'keep-last': 1 }))).toEqual(tell(plan))
  })

  it('leaves the one before to the rules for guests that are gone, with a minimum of its own', () => {
    const rules = { 'keep-last': 3, orphans: { 'keep-last': 1 }, minimumArchives: 2 }
    expect(tell(guarded([...former, ...present], rules))).toEqual([
      'remove',
      'keep: minimum-archives',
      'keep',
      'keep',
      'keep',
      'keep',
    ])
    expect(tell(guarded([...former, ...present], rules, { gone: true, confirmed: false, identity: scratch }))).toEqual([
      'remove',
      'keep: minimum-archives',
      'keep',
      'remove',
      'keep: minimum-archives',
      'keep',
    ])
  })

  it('goes by the guest that the site has: one that was restored, or one that was never archived', () => {
    const rules = { 'keep-last': 1 }
    expect(tell(guarded([...former, ...present], rules, { identity: payroll }))).toEqual([
      'remove',
      'remove',
      'keep',
      'keep',
      'keep',
      'keep',
    ])
    expect(tell(guarded([...former, ...present], rules, { identity: { id: 'smbios:third' } }))).not.toContain('remove')
  })

  it('compares no guest with the one before: neither what is usual, nor what was verified, nor the share', () => {
    const large = former.map((one, index) => ({ ...one, sizeBytes: 9000, verified: index === 0 }))
    const plan = guarded([...large, ...present], { 'keep-last': 1 }, { identity: scratch })
    expect(plan.warnings).toEqual(['2 of 3 archives go at once: more than largestShare (0.5), as confirmed.'])
    expect(tell(plan).slice(3)).toEqual(['remove', 'remove', 'keep'])
  })

  it('says of a dry run what confirming would do, and not that somebody has', () => {
    const plan = guarded(present, { 'keep-last': 1 }, { dryRun: true })
    expect(plan.warnings).toEqual([
      '2 of 3 archives would go at once: more than largestShare (0.5). They go once a person confirms it, and not before.',
    ])
  })

  it('applies no rule where the last archive tells nothing of its guest and the site tells who has the id', () => {
    const untold = [2, 1, 0].map((days) => made(days, { name: 'scratch' }))
    const rules = { 'keep-last': 1, orphans: { 'keep-last': 1 } }
    expect(tell(guarded(untold, rules, { identity: scratch }))).toEqual(Array(3).fill('keep: unclear-guest'))
    expect(tell(guarded(untold, rules))).toEqual(['remove', 'remove', 'keep'])
  })

  it('takes an archive that nobody can read for a newer one of the guest, and lets nothing older go', () => {
    const unreadable = archive(-0.1, { problem: "The manifest can't be read.", compress: 'unknown' })
    const plan = guarded([...former, ...present, unreadable], { 'keep-last': 1, orphans: { 'keep-last': 1 } })
    expect(tell(plan)).toEqual([
      'remove',
      'remove',
      'keep',
      'keep: newest-looks-wrong',
      'keep: newest-looks-wrong',
      'keep',
      'keep: untrusted',
    ])
  })
})

describe('clocks', () => {
  const years = 5 * 365 * DAY
  const inYears = (daysAgo: number) => new Date(newestAt - daysAgo * DAY + years).toISOString()
  const yearsBack = (daysAgo: number) => new Date(newestAt - daysAgo * DAY - years).toISOString()

  it('years ahead make no archive the newest: the fresh one stays, and nothing goes until a person confirms', () => {
    const archives = [made(2), made(1, { createdAt: inYears(1) }), made(0)]
    const unconfirmed = guarded(archives, { 'keep-last': 1, largestShare: 1 }, ordinary)
    expect(tell(unconfirmed)).toEqual(['keep: clock-in-doubt', 'keep: clock-in-doubt', 'keep'])
    expect(unconfirmed.warnings).toEqual([expect.stringMatching(/^The archive .* Nothing is removed until a person/)])
    expect(tell(guarded(archives, { 'keep-last': 1 }))).toEqual(['remove', 'remove', 'keep'])
  })

  it('far behind make no archive the oldest: the one written last stays, whatever the rules say', () => {
    const archives = [made(2), made(1), made(0, { createdAt: yearsBack(0) })]
    expect(tell(guarded(archives, { 'keep-last': 1 }, ordinary))).toEqual([
      'keep: clock-in-doubt',
      'keep: clock-in-doubt',
      'keep',
    ])
    expect(tell(guarded(archives, { 'keep-last': 1 }))).toEqual(['remove', 'remove', 'keep'])
    // By days only: a date that a backup may have, so that it counts as the oldest.
    const byDays = [made(2), made(1), made(0, { createdAt: new Date(newestAt - 30 * DAY).toISOString() })]
    expect(tell(guarded(byDays, { 'keep-last': 1 }))).toEqual(['remove', 'keep', 'keep: last-written'])
  })

  it('that were measured are put right, and only a jump needs a person', () => {
    const ahead = (daysAgo: number) => made(daysAgo, { createdAt: inYears(daysAgo), clockOffsetSeconds: years / 1000 })
    const right = (daysAgo: number) => made(daysAgo, { clockOffsetSeconds: 0 })
    expect(tell(guarded([ahead(2), ahead(1), ahead(0)], { 'keep-last': 2 }, ordinary))).toEqual([
      'remove',
      'keep',
      'keep',
    ])
    const jumped = guarded([ahead(2), ahead(1), right(0)], { 'keep-last': 2 }, ordinary)
    expect(tell(jumped)).toEqual(['keep: clock-in-doubt', 'keep', 'keep'])
    expect(jumped.warnings[0]).toMatch(/^The platform's clock went back by 5 years between the archives/)
    expect(jumped.clockInDoubt).toBe(true)
  })

  it('that a person has looked at need no second look, until they jump again', () => {
    const archives = [made(3), made(2, { createdAt: inYears(2) }), made(1), made(0)]
    const seen = (daysAgo: number) => ({ ...ordinary, clockSeenAt: new Date(newestAt - daysAgo * DAY).toISOString() })
    expect(tell(guarded(archives, { 'keep-last': 2 }, seen(0.5)))).toEqual(['remove', 'remove', 'keep', 'keep'])
    expect(tell(guarded(archives, { 'keep-last': 2 }, seen(2.5)))).toContain('keep: clock-in-doubt')
  })

  it('of ours that are ahead keep no archive in the place of the one before', () => {
    const archives = [made(2), made(1), made(0, { createdAt: inYears(0), writtenAt: inYears(0) })]
    expect(tell(guarded(archives, { 'keep-last': 1 }, ordinary))).not.toContain('remove')
    expect(tell(guarded(archives, { 'keep-last': 1 }))).toEqual(['remove', 'keep: last-written', 'keep'])
  })
})

const counts = fc.record(
  {
    'keep-last': fc.nat({ max: 3 }),
    'keep-daily': fc.nat({ max: 4 }),
    'keep-weekly': fc.nat({ max: 3 }),
    'keep-yearly': fc.nat({ max: 2 }),
  },
  { requiredKeys: [] },
)
const policies = fc
  .record({
    rules: counts,
    orphans: fc.option(counts, { nil: undefined }),
    minimumArchives: fc.integer({ min: 1, max: 6 }),
    largestShare: fc.constantFrom(0.1, 0.34, 0.5, 1),
    timeZone: fc.constantFrom('UTC', 'Europe/Vienna', 'America/New_York'),
  })
  .map(({ rules, orphans, ...limits }) =>
    policy({ ...rules, ...limits, ...(orphans === undefined ? {} : { orphans }) }),
  )
const catalogues = fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 25 }).chain((ages) =>
  fc.tuple(
    ...ages.map((daysAgo) =>
      fc
        .record({
          problem: fc.option(fc.constant('Files are gone.'), { nil: undefined, freq: 6 }),
          protected: fc.boolean(),
          verified: fc.boolean(),
          sizeBytes: fc.constantFrom(900, 1000, 1100, 2500),
          compress: fc.constantFrom('zstd', 'zstd', 'gzip'),
          content: fc.record(
            { contentBytes: fc.constantFrom(1000, 2000, 2200), entropyBitsPerByte: fc.constantFrom(5, 5.4, 7.9) },
            { requiredKeys: [] },
          ),
        })
        .map(({ problem, content, ...its }) =>
          archive(daysAgo, { ...its, ...content, ...(problem === undefined ? {} : { problem }) }),
        ),
    ),
  ),
)
const circumstances = fc.record({ gone: fc.boolean(), confirmed: fc.boolean() })

describe('for any catalogue and policy', () => {
  it('the guards hold', () => {
    fc.assert(
      fc.property(catalogues, policies, circumstances, (archives, rules, { gone, confirmed: agreed }) => {
        const { decisions } = guardRetention(archives, rules, { gone, confirmed: agreed })
        const removed = decisions.filter(({ decision }) => decision === 'remove').map((entry) => entry.archive)
        const trusted = archives.filter(({ problem }) => problem === undefined)
        const left = trusted.filter((one) => !removed.includes(one))
        const anyGoes = removed.length > 0

        expect(decisions.map((entry) => entry.archive)).toEqual(archives)
        expect(removed.filter(({ problem, protected: kept }) => problem !== undefined || kept)).toEqual([])
        expect(left.length).toBeGreaterThanOrEqual(anyGoes ? rules.minimumArchives : 0)
        const byAge = (of: GuardedArchive[]) =>
          of
            .map(({ createdAt }) => createdAt)
            .sort()
            .at(-1)
        expect(byAge(left.filter(({ verified }) => verified))).toBe(byAge(trusted.filter(({ verified }) => verified)))
        expect(byAge(left)).toBe(byAge(trusted))
        expect(anyGoes && strangeNewest(archives) !== undefined).toBe(false)
        expect(agreed || removed.length <= rules.largestShare * trusted.length).toBe(true)
        expect(anyGoes && gone && rules.orphans === undefined).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('nothing goes while a calm history ends with an archive that was emptied or encrypted', () => {
    const calm = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 25 }).chain((ages) =>
      fc.tuple(
        ...ages.map((daysAgo) =>
          fc
            .record({
              sizeBytes: fc.integer({ min: 900, max: 1100 }),
              contentBytes: fc.integer({ min: 2000, max: 2200 }),
              entropyBitsPerByte: fc.double({ min: 4.8, max: 5.4, noNaN: true }),
              verified: fc.boolean(),
            })
            .map((its) => archive(daysAgo, its)),
        ),
      ),
    )
    const attacked = fc.oneof(
      fc.record({ sizeBytes: fc.integer({ min: 1, max: 440 }) }),
      fc.record({ sizeBytes: fc.integer({ min: 1410, max: 2000 }), contentBytes: fc.constant(2000) }),
      fc.record({ entropyBitsPerByte: fc.double({ min: 6.2, max: 8, noNaN: true }) }),
    )
    fc.assert(
      fc.property(calm, attacked, policies, circumstances, (before, its, rules, circumstance) => {
        const { decisions, warnings } = guardRetention([...before, archive(0, its)], rules, circumstance)
        expect(decisions.filter(({ decision }) => decision === 'remove')).toEqual([])
        expect(warnings).toContainEqual(expect.stringMatching(/looks wrong/))
      }),
      { numRuns: 300 },
    )
  })

  it('what was written last stays, and no guest before the present one loses anything without rules for it', () => {
    const identities = [undefined, payroll, scratch, { ...scratch, witness: 'ctime:1' }]
    const any = fc.record({
      daysAgo: fc.nat({ max: 60 }),
      identity: fc.constantFrom(...identities),
      name: fc.constantFrom('a', 'b'),
      writtenDaysAgo: fc.option(fc.nat({ max: 60 }), { nil: undefined }),
      platformOffDays: fc.constantFrom(0, 0, 0, -3000, -20, 20, 3000),
      measured: fc.boolean(),
      problem: fc.option(fc.constant('Files are gone.'), { nil: undefined, freq: 6 }),
      verified: fc.boolean(),
    })
    const archivesOf = fc.array(any, { maxLength: 12 }).map((drawn) =>
      drawn.map(
        ({ daysAgo, writtenDaysAgo = daysAgo, platformOffDays, measured, identity, problem, ...its }, index) => {
          const one = made(daysAgo, {
            ...its,
            ...(identity === undefined ? {} : { identity }),
            createdAt: new Date(newestAt + (platformOffDays - daysAgo) * DAY).toISOString(),
            writtenAt: new Date(newestAt - writtenDaysAgo * DAY).toISOString(),
            ...(measured ? { clockOffsetSeconds: platformOffDays * 86_400 } : {}),
          })
          return { ...one, folder: `${one.folder}${index}/`, ...(problem === undefined ? {} : { problem }) }
        },
      ),
    )
    fc.assert(
      fc.property(
        archivesOf,
        policies,
        circumstances,
        fc.constantFrom(...identities),
        (archives, rules, circumstance, identity) => {
          const { decisions } = guarded(archives, rules, { ...circumstance, identity })
          const removed = decisions.filter(({ decision }) => decision === 'remove').map((one) => one.archive)
          const { guests } = guestsOfId(archives, identity)
          const lastOf = (among: GuardedArchive[]) => {
            const written = among.map(({ facts }) => facts?.writtenAt ?? '')
            return among.filter(({ facts }) => facts?.writtenAt === written.toSorted().at(-1))
          }
          for (const { archives: its, standing } of guests) {
            expect(lastOf(its).filter((one) => removed.includes(one))).toEqual([])
            const gone = its.filter((one) => removed.includes(one))
            const orphaned = standing !== 'current' || circumstance.gone
            expect(gone.length === 0 || !orphaned || rules.orphans !== undefined).toBe(true)
            const trusted = its.filter(({ problem }) => problem === undefined)
            expect(gone.length === 0 || trusted.length - gone.length >= rules.minimumArchives).toBe(true)
          }
          expect(lastOf(archives).filter((one) => removed.includes(one))).toEqual([])
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('nothing goes that the rules alone would keep', () => {
    fc.assert(
      fc.property(catalogues, policies, (archives, rules) => {
        const trusted = archives.filter(({ problem }) => problem === undefined)
        const byRules = planRetention(trusted, rules, rules.timeZone).filter(({ mark }) => mark === 'remove')
        const { decisions } = guardRetention(archives, rules, confirmed)
        const removed = decisions.filter(({ decision }) => decision === 'remove').map((entry) => entry.archive)
        const allowed = new Set(byRules.map((entry) => entry.archive))
        expect(removed.filter((one) => !allowed.has(one))).toEqual([])
      }),
    )
  })
})
