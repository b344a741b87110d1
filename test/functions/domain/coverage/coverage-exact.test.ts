import { describe, expect, it } from 'vitest'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import {
  coverageOf,
  type CoverageRules,
  type SiteGuest,
  summariseGuest,
  unarchived,
  uncoveredStates,
} from '../../../../functions/domain/coverage/coverage.ts'
import { readManifestFacts } from '../../../../functions/domain/catalogue/manifest-facts.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

const HOUR = 3_600_000
const now = new Date('2026-11-22T12:00:00.000Z')
const guest = { kind: 'vm', id: '100' } as const
const onSite: SiteGuest = { ...guest, name: 'web', tags: [] }
const rules: CoverageRules = {
  everyMilliseconds: 24 * HOUR,
  graceMilliseconds: 6 * HOUR,
  shrunkBelow: 0.5,
  parkedTags: ['parked'],
  parkedIds: ['900'],
}
const instant = (hoursAgo: number) => new Date(now.getTime() - hoursAgo * HOUR).toISOString()

type Facts = NonNullable<CatalogueEntry['facts']>

function entry(
  hoursAgo: number,
  bytes = 1000,
  changes: Partial<CatalogueEntry> = {},
  its: Partial<Facts> = {},
): CatalogueEntry {
  const createdAt = instant(hoursAgo)
  const read = readManifestFacts(JSON.stringify(manifestOf(createdAt, [bytes])), {
    site: 'hq',
    guest,
    keyedAt: createdAt,
  })
  if ('unreadable' in read) throw new Error(read.unreadable)
  const sizes = { sizeBytes: bytes + 100, artifactBytes: bytes }
  const folder = `archives/hq/vm-100/${createdAt}/`
  return { folder, site: 'hq', guest, createdAt, state: 'complete', ...sizes, facts: { ...read, ...its }, ...changes }
}
const broken = (hoursAgo: number, state: CatalogueEntry['state'], reason?: string): CatalogueEntry => {
  const { facts: _, ...bare } = entry(hoursAgo, 7, { state, ...(reason === undefined ? {} : { reason }) })
  return bare
}
const summary = (entries: CatalogueEntry[], identity?: { id: string }) =>
  summariseGuest({ site: 'hq', guest, entries }, identity)
const judge = (
  entries: CatalogueEntry[],
  site: Parameters<typeof coverageOf>[1] = onSite,
  its: Partial<CoverageRules> = {},
) =>
  coverageOf(
    summary(entries, typeof site === 'object' && 'identity' in site ? site.identity : undefined),
    site,
    { ...rules, ...its },
    now,
  )

describe('what is kept of a guest’s archives', () => {
  it('is how many, how large, the newest whole one, those before it, and what broke since', () => {
    const entries = [
      entry(72, 300),
      entry(48, 200),
      entry(24, 100),
      broken(3, 'damaged', 'A file is gone.'),
      broken(1, 'incomplete'),
    ]
    const { newest, ...rest } = summary(entries)
    expect(newest).toBe(entries[2])
    expect(rest).toEqual({
      site: 'hq',
      guest,
      name: 'web',
      archives: 5,
      sizeBytes: 600 + 300 + 14 + 200,
      earlierBytes: [300, 200],
      suspicions: [],
      brokenSince: [
        { createdAt: instant(3), at: instant(3), state: 'damaged', reason: 'A file is gone.' },
        { createdAt: instant(1), at: instant(1), state: 'incomplete' },
      ],
    })
  })

  it('is in the order of trusted time, however they are given', () => {
    const entries = [entry(24, 100), entry(72, 300), entry(48, 200)]
    expect(summary(entries)).toMatchObject({ newest: { artifactBytes: 100 }, earlierBytes: [300, 200] })
  })

  it('is the sizes of ten like archives before the newest, whole ones of one compression', () => {
    const many = Array.from({ length: 14 }, (_, at) => entry(400 - at * 24, at))
    expect(summary(many).earlierBytes).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    const mixed = [entry(72, 1, {}, { compress: 'gzip' }), broken(60, 'damaged'), entry(48, 2), entry(24, 3)]
    expect(summary(mixed).earlierBytes).toEqual([2])
    expect(summary([entry(24, 3)]).earlierBytes).toEqual([])
  })

  it('is nothing of a guest without a whole one', () => {
    expect(summary([broken(3, 'damaged')])).not.toHaveProperty('newest')
    expect(summary([broken(3, 'damaged')])).toMatchObject({
      archives: 1,
      earlierBytes: [],
      suspicions: [],
      brokenSince: [{}],
    })
    expect(unarchived('hq', onSite)).toEqual({
      site: 'hq',
      guest,
      name: 'web',
      archives: 0,
      sizeBytes: 0,
      earlierBytes: [],
      suspicions: [],
      brokenSince: [],
    })
  })
})

describe('what coverage tells of a guest', () => {
  it('is its place, its figures and its newest archive; no more', () => {
    expect(judge([entry(2)])).toEqual({
      site: 'hq',
      guest,
      name: 'web',
      state: 'covered',
      reasons: [],
      archives: 1,
      sizeBytes: 1100,
      newestAt: instant(2),
    })
  })

  it('is the site’s name for it, where the site tells one', () => {
    expect(judge([entry(2)], { ...onSite, name: 'renamed' }).name).toBe('renamed')
    expect(judge([entry(2)], 'unknown').name).toBe('web')
    expect(judge([entry(2)], { absent: 'x' }).name).toBe('web')
  })

  it('is when the newest was read whole and accepted, and only that', () => {
    const verification = (state: 'verified' | 'failed', at?: string) => ({
      verification: { state, tags: [], ...(at === undefined ? {} : { at }) },
    })
    expect(judge([entry(2, 1000, verification('verified', instant(1)))]).lastVerifiedAt).toBe(instant(1))
    expect(judge([entry(2, 1000, verification('failed', instant(1)))])).not.toHaveProperty('lastVerifiedAt')
    expect(judge([entry(2, 1000, verification('verified'))])).not.toHaveProperty('lastVerifiedAt')
  })

  it('is both times of the newest where the platform’s clock is off', () => {
    expect(judge([entry(2, 1000, { at: instant(5) })])).toMatchObject({
      newestAt: instant(5),
      newestCreatedAt: instant(2),
    })
  })

  it.each<[string, Parameters<typeof coverageOf>[1], string, string[]]>([
    ['gone', undefined, 'gone', ['It is not on the site (any more).']],
    ['absent', { absent: 'The list is short.' }, 'absent', ['The list is short.']],
    ['parked by its tag', { ...onSite, tags: ['other', 'parked'] }, 'parked', ['It is parked by its tag parked.']],
    ['a template', { ...onSite, template: true }, 'parked', ['It is a template.']],
    ['no template', { ...onSite, template: false }, 'covered', []],
    ['on a site that nobody asked', 'unknown', 'covered', []],
  ])('of one that is %s', (_, site, state, reasons) => {
    expect(coverageOf(summary([entry(2)]), site, rules, now)).toMatchObject({ state, reasons })
  })

  it('of one that is parked by two tags names the first', () => {
    const both = { ...onSite, tags: ['also', 'parked'] }
    expect(judge([entry(2)], both, { parkedTags: ['parked', 'also'] }).reasons).toEqual([
      'It is parked by its tag also.',
    ])
  })

  it('of one that is parked by its id, whatever the site says', () => {
    for (const site of [onSite, 'unknown'] as const) {
      expect(judge([entry(2)], site, { parkedIds: ['100'] })).toMatchObject({
        state: 'parked',
        reasons: ['It is parked by its id.'],
      })
    }
  })
})

describe('a fault', () => {
  it('of age begins after interval and grace, to the millisecond', () => {
    expect(judge([entry(30)]).state).toBe('covered')
    expect(judge([entry(30 + 1 / HOUR)]).state).toBe('stale')
    // By the time that can be trusted.
    expect(judge([entry(2, 1000, { at: instant(40) })]).state).toBe('stale')
  })

  it('of size begins below the share of the usual one, with two before it', () => {
    const before = [entry(72, 1000), entry(48, 1000)]
    expect(judge([...before, entry(2, 500)]).state).toBe('covered')
    expect(judge([...before, entry(2, 499)])).toMatchObject({
      state: 'shrunk',
      reasons: [expect.stringMatching(/^The newest archive has 499 .*; those before it had about .*\.$/)],
    })
    expect(judge([entry(48, 1000), entry(2, 499)]).state).toBe('covered')
  })

  it('of broken archives counts those since the newest whole one; one without a manifest after its grace only', () => {
    const reasons = (...since: CatalogueEntry[]) => judge([entry(20), ...since]).reasons
    expect(reasons(broken(7, 'damaged'), broken(5, 'unreadable'))).toEqual([
      "2 after the newest whole archive can't be restored.",
    ])
    expect(reasons(broken(6, 'incomplete'))).toEqual([])
    expect(reasons(broken(6 + 1 / HOUR, 'incomplete'))).toEqual(["1 after the newest whole archive can't be restored."])
    expect(judge([broken(21, 'damaged'), entry(20)]).state).toBe('covered')
  })

  it('of reading says why, where that is known', () => {
    const refused = (reason?: string) =>
      entry(2, 1000, { verification: { state: 'failed', tags: [], ...(reason === undefined ? {} : { reason }) } })
    expect(judge([refused('It is cut.')])).toMatchObject({
      state: 'damaged',
      reasons: ['The newest archive was refused when it was read back: It is cut.'],
    })
    expect(judge([refused()]).reasons).toEqual([
      'The newest archive was refused when it was read back: nobody knows why',
    ])
  })

  it('of a date that has yet to come', () => {
    expect(judge([entry(-24)])).toMatchObject({
      state: 'misdated',
      reasons: [expect.stringMatching(/^The newest archive is dated in the future\. /)],
    })
  })

  it('of having nothing that can be restored says what the newest lacks', () => {
    const older = [broken(12, 'damaged', 'oldest'), broken(9, 'damaged', 'older')]
    expect(judge([...older, broken(3, 'incomplete', 'It has no manifest.')])).toMatchObject({
      state: 'never',
      reasons: ['None of its 3 archives can be restored. The newest: It has no manifest.'],
    })
    expect(judge([broken(3, 'incomplete')]).reasons).toEqual(['None of its 1 archives can be restored.'])
    expect(coverageOf(unarchived('hq', onSite), onSite, rules, now).reasons).toEqual(['It was never archived.'])
  })

  it('is told beside others, and the worst of them is the state', () => {
    const found = judge([entry(90, 1000), entry(80, 1000), entry(40, 400), broken(5, 'damaged')])
    expect(found.reasons).toHaveLength(3)
    expect(found.state).toBe('stale')
    expect(uncoveredStates).toEqual([
      'never',
      'stale',
      'misdated',
      'damaged',
      'suspicious',
      'shrunk',
      'lesser',
      'unrehearsed',
    ])
  })
})

describe('archives of a guest that had the id before', () => {
  const payroll = { name: 'payroll', identity: { id: 'smbios:1' } }
  const scratch = { name: 'scratch', identity: { id: 'smbios:2' } }
  const here: SiteGuest = { ...onSite, identity: scratch.identity }

  it('are told beside, and count for nothing', () => {
    const found = judge([entry(60, 9000, {}, payroll), entry(50, 9000, {}, payroll), entry(2, 10, {}, scratch)], here)
    expect(found).toMatchObject({ state: 'covered', archives: 1, sizeBytes: 110, name: 'web' })
    expect(found.formerGuests).toEqual([{ name: 'payroll', archives: 2, lastAt: instant(50) }])
    expect(found.reasons).toEqual([
      `2 archives are of another guest that had this id (payroll, last archived ${instant(50).slice(0, 10)}).`,
    ])
  })

  it('are dated by the time that can be trusted, and are told apart by who has the id now', () => {
    const entries = [entry(60, 10, {}, scratch), entry(50, 10, { at: instant(40) }, payroll)]
    const { name, former } = summary(entries, scratch.identity)
    expect(name).toBe('scratch')
    expect(former).toEqual([{ name: 'payroll', archives: 1, lastAt: instant(40) }])
  })

  it('never stand for the guest that has it, though one that tells nothing of itself was written last', () => {
    // The clock was set back for the unknown one: dated before, written after.
    const unknown = entry(5, 10, {}, { name: 'x', writtenAt: instant(1) })
    const present = entry(2, 20, {}, { ...payroll, writtenAt: instant(2) })
    const found = summary([unknown, present], payroll.identity)
    expect(found).toMatchObject({ name: 'payroll', archives: 1, newest: { createdAt: instant(2) } })
    expect(summary([unknown], payroll.identity)).toMatchObject({ name: 'x', archives: 1 })
  })

  it('are all there is: then the guest was never archived', () => {
    const found = judge([entry(2, 10, { at: instant(3) }, payroll)], here)
    expect(found).toMatchObject({ state: 'never', archives: 0, sizeBytes: 0 })
    const of = `another guest that had this id (payroll, last archived ${instant(3).slice(0, 10)})`
    expect(found.reasons).toEqual([`It was never archived. The archives are of ${of}.`])
    // What broke since may be theirs too.
    expect(judge([entry(2, 10, {}, payroll), broken(1, 'damaged')], here)).toMatchObject({
      state: 'never',
      archives: 0,
    })
  })

  it('may have no name', () => {
    const found = judge([entry(60, 10, {}, { ...payroll, name: '' }), entry(2, 10, {}, scratch)], here)
    expect(found.reasons).toEqual([
      `1 archive is of another guest that had this id (last archived ${instant(60).slice(0, 10)}).`,
    ])
  })

  it('are told of guests that are gone and absent as well', () => {
    const entries = [entry(60, 1, {}, payroll), entry(2, 1, {}, scratch)]
    for (const site of [undefined, { absent: 'x' }]) {
      const { reasons } = coverageOf(summary(entries, scratch.identity), site, rules, now)
      expect(reasons).toHaveLength(2)
      expect(reasons[1]).toMatch(/^1 archive is of another guest that had this id \(payroll, /)
    }
  })
})

it('figures that look wrong are told of the newest, but for its size, and against archives that were not refused', () => {
  const calm = {
    verification: { state: 'verified' as const, at: instant(1), tags: [], contentBytes: 2000, entropyBitsPerByte: 5 },
  }
  const odd = { verification: { ...calm.verification, entropyBitsPerByte: 7.9 } }
  const before = (its: object) => Array.from({ length: 5 }, (_, at) => entry(150 - at * 24, 1000, its))
  const suspicions = (its: object) => summary([...before(its), entry(2, 1000, odd)]).suspicions
  expect(suspicions(calm)).toEqual([
    expect.stringMatching(/^The newest archive looks wrong: Its content has 7\.9 bits/),
  ])
  expect(suspicions({ verification: { ...calm.verification, state: 'failed' as const } })).toEqual([])
  expect(summary([...before(calm), entry(2, 9000, calm)]).suspicions.filter((one) => /9000 bytes/.test(one))).toEqual(
    [],
  )
  // Ten before it count, and those are the latest: it has been as random for all of them.
  const long = Array.from({ length: 12 }, (_, at) => entry(900 - at * 24, 1000, calm))
  const like = Array.from({ length: 10 }, (_, at) => entry(300 - at * 24, 1000, odd))
  expect(summary([...long, ...like, entry(2, 1000, odd)]).suspicions).toEqual([])
})
