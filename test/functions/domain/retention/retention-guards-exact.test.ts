import { describe, expect, it } from 'vitest'
import { type Retention, retentionSchema } from '../../../../functions/contracts/retention.ts'
import {
  type Circumstances,
  type GuardedArchive,
  guardRetention,
  strangeNewest,
} from '../../../../functions/domain/retention/retention-guards.ts'

const DAY = 86_400_000
const newestAt = Date.parse('2026-11-20T02:00:00Z')
const instant = (daysAgo: number) => new Date(newestAt - daysAgo * DAY).toISOString()

function archive(daysAgo: number, its: Partial<GuardedArchive> = {}): GuardedArchive {
  const createdAt = instant(daysAgo)
  const folder = `archives/hq/vm-100/${createdAt}/`
  return { folder, createdAt, protected: false, verified: false, sizeBytes: 1000, compress: 'zstd', ...its }
}
/** The oldest first, as they lie in the bucket. */
const days = (count: number) => Array.from({ length: count }, (_, at) => archive(count - 1 - at))
const policy = (rules: object): Retention => retentionSchema.parse({ timeZone: 'UTC', ...rules })
const confirmed: Circumstances = { gone: false, confirmed: true }

function guarded(archives: GuardedArchive[], rules: object, its: Partial<Circumstances> = {}) {
  const plan = guardRetention(archives, policy(rules), { ...confirmed, ...its })
  const tell = ({ decision, guard }: (typeof plan.decisions)[0]) => (guard === undefined ? decision : guard)
  return {
    ...plan,
    told: plan.decisions.map(tell),
    removed: plan.decisions.filter((one) => one.decision === 'remove').length,
  }
}

describe('the least number of archives', () => {
  it.each([
    [6, 1, 1, 5],
    [6, 1, 2, 4],
    [6, 1, 3, 3],
    [6, 2, 3, 3],
    [6, 3, 3, 3],
    [6, 4, 3, 2],
    [6, 1, 5, 1],
    [6, 1, 6, 0],
    [6, 1, 9, 0],
    [2, 1, 2, 0],
  ])('of %i, of which the rules keep %i: at least %i stay, so %i go', (count, kept, least, gone) => {
    const rules = { 'keep-last': kept, minimumArchives: least }
    const { decisions, removed } = guarded(days(count), rules)
    expect(removed).toBe(gone)
    // What goes is the oldest.
    expect(decisions.map(({ decision }) => decision === 'remove')).toEqual(
      Array.from({ length: count }, (_, at) => at < gone),
    )
  })

  it('counts what another guard keeps', () => {
    const archives = days(5).map((one, at) => ({ ...one, verified: at === 0 }))
    expect(guarded(archives, { 'keep-last': 1, minimumArchives: 3 }).told).toEqual([
      'last-verified',
      'remove',
      'remove',
      'minimum-archives',
      'keep',
    ])
  })

  it('tells itself as the reason', () => {
    const { decisions } = guarded(days(3), { 'keep-last': 1, minimumArchives: 2 })
    expect(decisions[1]?.reason).toBe('kept: minimumArchives is 2 (else removed: no rule keeps it)')
  })
})

describe('the largest share', () => {
  const ordinary = { confirmed: false }

  it('may go without a person; one more may not', () => {
    expect(guarded(days(4), { 'keep-last': 2 }, ordinary)).toMatchObject({ removed: 2, warnings: [] })
    const { told, warnings } = guarded(days(5), { 'keep-last': 2 }, ordinary)
    expect(told).toEqual(['largest-share', 'largest-share', 'largest-share', 'keep', 'keep'])
    expect(warnings).toEqual([
      '3 of 5 archives would go at once, which is more than largestShare (0.5) allows. None goes until a person confirms it.',
    ])
  })

  it('is of the archives that can be trusted', () => {
    const untrusted = Array.from({ length: 6 }, (_, at) => archive(20 + at, { problem: 'It has no manifest.' }))
    expect(guarded([...untrusted, ...days(5)], { 'keep-last': 2 }, ordinary).removed).toBe(0)
  })

  it('is named where a person confirmed more, and not where less goes', () => {
    expect(guarded(days(5), { 'keep-last': 2 }).warnings).toEqual([
      '3 of 5 archives go at once: more than largestShare (0.5), as confirmed.',
    ])
    expect(guarded(days(4), { 'keep-last': 2 }).warnings).toEqual([])
  })
})

describe('the last verified archive', () => {
  it('tells itself as the reason', () => {
    const verified = days(3).map((one, at) => ({ ...one, verified: at === 0 }))
    expect(guarded(verified, { 'keep-last': 1 }).decisions[0]?.reason).toBe(
      'kept: it is the last verified archive of this guest (else removed: no rule keeps it)',
    )
  })

  it('is the newest that was read, and where none was, the newest of all', () => {
    const some = days(5).map((one, at) => ({ ...one, verified: at === 1 || at === 2 }))
    expect(guarded(some, { 'keep-last': 1 }).told).toEqual(['remove', 'remove', 'last-verified', 'remove', 'keep'])
    // Without facts there is nothing but the date: the last of three of one moment goes by none of the rules.
    expect(guarded(days(3), { 'keep-last': 1 }).told).toEqual(['remove', 'remove', 'keep'])
  })

  it('counts none that can’t be trusted', () => {
    const archives = [
      archive(3, { verified: true }),
      archive(2, { verified: true, problem: 'Gone.' }),
      archive(1),
      archive(0),
    ]
    expect(guarded(archives, { 'keep-last': 1 }).told).toEqual(['last-verified', 'untrusted', 'remove', 'keep'])
  })
})

describe('archives that can’t be trusted', () => {
  it('stay as what they are, and say why', () => {
    const { decisions } = guarded(
      [archive(2, { problem: 'Files are gone.', protected: true }), archive(1, { problem: 'It is cut.' }), archive(0)],
      {
        'keep-last': 1,
      },
    )
    expect(decisions.map(({ decision, guard, reason }) => [decision, guard, reason])).toEqual([
      ['protected', 'untrusted', 'kept, outside the count: Files are gone.'],
      ['keep', 'untrusted', 'kept, outside the count: It is cut.'],
      ['keep', undefined, 'kept: keep-last 2026-11-20T02:00:00.000Z'],
    ])
  })

  it('are all that a guest may have: then nothing goes', () => {
    const { told, warnings } = guarded([archive(1, { problem: 'x', compress: 'zstd' }), archive(0, { problem: 'y' })], {
      'keep-last': 1,
    })
    expect(told).toEqual(['untrusted', 'untrusted'])
    expect(warnings).toEqual([
      'The newest archive (2026-11-20T02:00:00.000Z) looks wrong: y Nothing is removed until that is cleared up.',
    ])
    expect(guarded([], { 'keep-last': 1 })).toMatchObject({ told: [], warnings: [], clockInDoubt: false })
  })
})

describe('the newest archive', () => {
  const history = (its: Partial<GuardedArchive> = {}) => Array.from({ length: 5 }, (_, at) => archive(at + 1, its))

  it('is wrong where it can’t be trusted, in its own words', () => {
    expect(strangeNewest([archive(0, { problem: 'It was refused.' }), ...history()])).toBe(
      'The newest archive (2026-11-20T02:00:00.000Z) looks wrong: It was refused.',
    )
  })

  it('is judged by those like it that can be trusted', () => {
    const tiny = archive(0, { sizeBytes: 10 })
    expect(strangeNewest([tiny, ...history()])).toMatch(/looks wrong: It has 10 bytes/)
    expect(strangeNewest([...history(), tiny])).toMatch(/looks wrong/)
    expect(strangeNewest([tiny, ...history({ compress: 'gzip' })])).toBeUndefined()
    expect(strangeNewest([tiny, ...history({ problem: 'x' })])).toBeUndefined()
    expect(strangeNewest([])).toBeUndefined()
  })

  it('keeps everything, and each says what it would have been', () => {
    const { told, decisions } = guarded([...history().toReversed(), archive(0, { sizeBytes: 10 })], { 'keep-last': 4 })
    expect(told).toEqual(['newest-looks-wrong', 'newest-looks-wrong', 'keep', 'keep', 'keep', 'keep'])
    expect(decisions[0]?.reason).toBe('kept: the newest archive looks wrong (else removed: no rule keeps it)')
  })
})

/** With the facts of a manifest. */
function told(daysAgo: number, its: Partial<NonNullable<GuardedArchive['facts']>> & Partial<GuardedArchive> = {}) {
  const { name = 'web', identity, writtenAt = instant(daysAgo), ...own } = its
  const bare = archive(daysAgo, own)
  const facts = { name, createdAt: bare.createdAt, writtenAt, ...(identity === undefined ? {} : { identity }) }
  return { ...bare, at: instant(daysAgo), facts }
}

describe('the archive that was written last', () => {
  it('stays whatever the rules say, and so does the last before one whose manifest has yet to come', () => {
    const now = new Date(newestAt + DAY / 2)
    const toCome = { writtenAt: instant(-400) }
    const rules = { 'keep-last': 1 }
    const ahead = guarded([told(3), told(2), told(1, toCome), told(0)], rules, { now })
    expect(ahead.told).toEqual(['remove', 'remove', 'last-written', 'keep'])
    expect(ahead.warnings).toEqual([
      expect.stringMatching(/which has yet to come.* A person confirmed that archives may go all the same\.$/),
    ])
    const newest = [told(3), told(2), told(1), told(0, toCome)]
    expect(guarded(newest, rules, { now }).told).toEqual(['remove', 'remove', 'last-written', 'keep'])
    // Without a clock nothing is known to have yet to come.
    expect(guarded(newest, rules).told).toEqual(['remove', 'remove', 'remove', 'keep'])
  })

  it('keeps all that were written at that moment', () => {
    const writtenAt = instant(0)
    const archives = [told(4), told(3, { writtenAt }), told(2, { writtenAt }), told(1, { writtenAt })]
    expect(guarded(archives, { 'keep-last': 1 }).told.slice(1)).toEqual(['last-written', 'last-written', 'keep'])
  })
})

describe('clocks in doubt', () => {
  // The second was written a day after the first and is dated two days before it.
  const jumping = [told(5), told(4, { createdAt: instant(7) }), told(3), told(2), told(1), told(0)]

  it('let nothing go until a person confirms, and say so', () => {
    const unsure = guarded(jumping, { 'keep-last': 4 }, { confirmed: false })
    expect(unsure).toMatchObject({ removed: 0, clockInDoubt: true })
    expect(unsure.told.filter((one) => one === 'clock-in-doubt')).toHaveLength(2)
    expect(unsure.warnings).toEqual([expect.stringMatching(/Nothing is removed until a person confirms it\.$/)])
    const sure = guarded(jumping, { 'keep-last': 4 })
    expect(sure).toMatchObject({ removed: 2, clockInDoubt: true })
    expect(sure.warnings).toEqual([expect.stringMatching(/A person confirmed that archives may go all the same\.$/)])
    expect(guarded(jumping, { 'keep-last': 4 }, { dryRun: true }).warnings).toEqual([
      expect.stringMatching(/They go once a person confirms it, and not before\.$/),
    ])
  })

  it('are no matter where nothing goes', () => {
    expect(guarded(jumping, { 'keep-last': 6 }, { confirmed: false })).toMatchObject({
      clockInDoubt: false,
      warnings: [],
    })
  })
})

describe('guests that had the id', () => {
  const payroll = { name: 'payroll', identity: { id: 'smbios:1' } }
  const scratch = { name: 'scratch', identity: { id: 'smbios:2' } }
  const both = [
    told(5, payroll),
    told(4, payroll),
    told(3, payroll),
    told(2, scratch),
    told(1, scratch),
    told(0, scratch),
  ]
  const reasons = (plan: ReturnType<typeof guarded>) => plan.decisions.map(({ reason }) => reason)

  it('go by the rules for guests that are gone, and the reason says of whom', () => {
    const { told: outcome, ...plan } = guarded(
      both,
      { 'keep-last': 1, orphans: { 'keep-last': 2 } },
      { identity: scratch.identity },
    )
    expect(outcome).toEqual(['remove', 'keep', 'keep', 'remove', 'remove', 'keep'])
    expect(reasons({ ...plan, told: outcome })[0]).toBe(
      'removed: no rule keeps it (of another guest that had this id, payroll)',
    )
    expect(plan.decisions.map(({ formerGuest }) => formerGuest)).toEqual([
      'payroll',
      'payroll',
      'payroll',
      undefined,
      undefined,
      undefined,
    ])
  })

  it('name themselves in their warnings', () => {
    const rules = { 'keep-last': 3, orphans: { 'keep-last': 1 } }
    const { warnings, removed } = guarded(both, rules, { identity: scratch.identity, confirmed: false })
    expect(removed).toBe(0)
    expect(warnings).toEqual([
      expect.stringMatching(/^Of another guest that had this id, payroll: 2 of 3 archives would go/),
    ])
  })

  it('stay by the rules of the gone where the present guest is gone as well; the reason tells them apart', () => {
    const { told: outcome, ...plan } = guarded(both, { 'keep-last': 1, orphans: { 'keep-last': 2 } }, { gone: true })
    expect(outcome).toEqual(['remove', 'keep', 'keep', 'remove', 'keep', 'keep'])
    expect(reasons({ ...plan, told: outcome })[3]).toBe('removed: no rule keeps it (the guest is gone)')
    expect(reasons({ ...plan, told: outcome })[0]).toMatch(/\(of another guest that had this id, payroll\)$/)
  })

  it('whose archives tell nothing of them lose nothing while another may have the id, but by the rules of the gone', () => {
    const nameless = [told(2, { name: '' }), told(1, { name: '', protected: true }), told(0, { name: '' })]
    const plan = guarded(nameless, { 'keep-last': 1 }, { identity: scratch.identity })
    expect(plan.told).toEqual(['unclear-guest', 'protected', 'unclear-guest'])
    expect(plan.decisions[0]?.reason).toBe('kept: it is not known whether it is of the guest that has this id now')
    const gone = guarded(
      nameless,
      { 'keep-last': 1, orphans: { 'keep-last': 1 } },
      { identity: scratch.identity, gone: true },
    )
    expect(gone.told).toEqual(['remove', 'protected', 'keep'])
  })

  it('are told in the order given, whosesoever they are', () => {
    const plan = guarded(both.toReversed(), { 'keep-last': 1 }, { identity: scratch.identity })
    expect(plan.decisions.map(({ archive: { createdAt } }) => createdAt)).toEqual(
      both.toReversed().map(({ createdAt }) => createdAt),
    )
  })
})

describe('an archive that a manifest tells of and that can’t be trusted', () => {
  it('is outside the count, covers nothing and makes no other the second', () => {
    const refused = told(1, { problem: 'It was refused.', verified: true, sizeBytes: 1000 })
    const archives = [told(4), told(3), told(2), refused, told(0)]
    const plan = guarded(archives, { 'keep-last': 2, minimumArchives: 3 })
    expect(plan.told).toEqual(['remove', 'minimum-archives', 'keep', 'untrusted', 'keep'])
    expect(plan.decisions[3]?.reason).toBe('kept, outside the count: It was refused.')
  })
})

it('clocks of one guest of two that are in doubt are in doubt where only the other loses nothing', () => {
  const [former, present] = [
    { name: 'former', identity: { id: 'smbios:1' } },
    { name: 'present', identity: { id: 'smbios:2' } },
  ]
  const archives = [told(9, former), told(5, present), told(4, { ...present, createdAt: instant(7) }), told(3, present)]
  const plan = guarded(archives, { 'keep-last': 1, largestShare: 1 }, { identity: present.identity, confirmed: false })
  expect(plan.clockInDoubt).toBe(true)
  expect(plan.told).toEqual(['keep', 'clock-in-doubt', 'clock-in-doubt', 'keep'])
})
