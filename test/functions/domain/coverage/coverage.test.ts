import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { archiveTime } from '../../../../functions/domain/time/archive-time.ts'
import type { CatalogueEntry } from '../../../../functions/domain/catalogue/catalogue.ts'
import {
  coverageOf,
  type CoverageRules,
  type SiteGuest,
  summariseGuest,
  unarchived,
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
  parkedIds: [],
}

/** A whole archive of so many bytes, made so many hours ago. */
function entry(hoursAgo: number, bytes = 1000, changes: Partial<CatalogueEntry> = {}): CatalogueEntry {
  const createdAt = new Date(now.getTime() - hoursAgo * HOUR).toISOString()
  const facts = readManifestFacts(JSON.stringify(manifestOf(createdAt, [bytes])), {
    site: 'hq',
    guest,
    keyedAt: createdAt,
  })
  if ('unreadable' in facts) throw new Error(facts.unreadable)
  const folder = `archives/hq/vm-100/${createdAt}/`
  return {
    folder,
    site: 'hq',
    guest,
    createdAt,
    state: 'complete',
    sizeBytes: bytes,
    artifactBytes: bytes,
    facts,
    ...changes,
  }
}

const judge = (entries: CatalogueEntry[], site: SiteGuest | 'unknown' | undefined = onSite, changes = {}) =>
  coverageOf(summariseGuest({ site: 'hq', guest, entries }), site, { ...rules, ...changes }, now)

describe('coverage of a guest', () => {
  it('covers it with one whole archive that is young enough', () => {
    expect(judge([entry(2)])).toMatchObject({ state: 'covered', reasons: [], newestAt: entry(2).createdAt })
  })

  it('says by what the newest archive is proved, where the store computed no CRC-32', () => {
    const { facts, ...whole } = entry(2)
    const less = { ...whole, ...(facts && { facts: { ...facts, proof: 'read-back' as const } }) }
    expect(judge([entry(9), less])).toMatchObject({ state: 'covered', proof: 'read-back' })
    expect(judge([less, entry(1)])).not.toHaveProperty('proof')
  })

  it('is never without an archive that can be restored, whatever lies there', () => {
    expect(coverageOf(unarchived('hq', onSite), onSite, rules, now)).toMatchObject({ state: 'never', archives: 0 })
    for (const state of ['incomplete', 'unreadable', 'damaged'] as const) {
      expect(judge([entry(2, 1000, { state })]).state).toBe('never')
    }
  })

  it('is stale after the schedule and its grace, and not before', () => {
    expect(judge([entry(30)]).state).toBe('covered')
    expect(judge([entry(30.1)])).toMatchObject({ state: 'stale', reasons: ['The newest archive is 30 hours old.'] })
    expect(judge([entry(30.1)], onSite, { everyMilliseconds: 48 * HOUR }).state).toBe('covered')
  })

  it('is damaged when the newest archive is broken or was refused, though an older one is whole', () => {
    expect(judge([entry(20), entry(2, 10, { state: 'damaged' })])).toMatchObject({
      state: 'damaged',
      newestAt: entry(20).createdAt,
    })
    const verification = { state: 'failed' as const, reason: 'cut', tags: [] }
    expect(judge([entry(2, 1000, { verification })])).toMatchObject({
      state: 'damaged',
      reasons: [expect.stringMatching(/cut/)],
    })
  })

  it('takes an archive without manifest for one on its way, until the grace is over', () => {
    expect(judge([entry(20), entry(5, 10, { state: 'incomplete' })]).state).toBe('covered')
    expect(judge([entry(20), entry(7, 10, { state: 'incomplete' })]).state).toBe('damaged')
  })

  it('is shrunk below half of the usual size, once there is a history of the same compression', () => {
    expect(judge([entry(90), entry(60), entry(2, 499)]).state).toBe('shrunk')
    expect(judge([entry(90), entry(60), entry(2, 500)]).state).toBe('covered')
    expect(judge([entry(60), entry(2, 1)]).state).toBe('covered')
    const facts = entry(2).facts
    if (facts === undefined) throw new Error('no facts')
    const other = entry(2, 1, { facts: { ...facts, compress: 'gzip' } })
    expect(judge([entry(90), entry(60), other]).state).toBe('covered')
    // One huge archive in the past makes the others no smaller.
    expect(judge([entry(90, 1e9), entry(80), entry(70), entry(2)]).state).toBe('covered')
  })

  it('is lesser when the newest archive lacks what its job requires, and says what every newest one reached', () => {
    const { facts } = entry(2)
    if (facts === undefined) throw new Error('no facts')
    const grade = { consistency: 'crash' as const, gaps: ['snapshots' as const] }
    const verdict = { name: 'archived-with-warnings' as const, reason: '', unmet: true as const }
    expect(judge([entry(20), entry(2, 1000, { facts: { ...facts, verdict, grade } })])).toMatchObject({
      state: 'lesser',
      grade,
      reasons: ['The newest archive is less than its job requires: crash consistent, without snapshots.'],
    })
    expect(judge([entry(2, 1000, { facts: { ...facts, grade } })])).toMatchObject({ state: 'covered', grade })
    expect(judge([entry(20, 1000, { facts: { ...facts, verdict, grade } }), entry(2)])).toMatchObject({
      state: 'covered',
    })
    // An older manifest tells nothing, and nothing is made up.
    expect(judge([entry(2)])).not.toHaveProperty('grade')
  })

  it('is suspicious when the newest archive looks wrong by its content, though its size is as ever', () => {
    const containing = (hoursAgo: number, contentBytes: number, entropyBitsPerByte = 5) => {
      const { facts, ...rest } = entry(hoursAgo)
      if (facts === undefined) throw new Error('no facts')
      return { ...rest, facts: { ...facts, contentBytes, entropyBitsPerByte } }
    }
    const before = [containing(90, 2000), containing(60, 2000)]
    expect(judge([...before, containing(2, 2100)]).state).toBe('covered')
    expect(judge([...before, containing(2, 1000)])).toMatchObject({
      state: 'suspicious',
      reasons: [expect.stringMatching(/^The newest archive looks wrong: It has 100 % of the size of its content/)],
    })
    expect(judge([...before, containing(2, 2000, 7.9)])).toMatchObject({
      state: 'suspicious',
      reasons: [expect.stringMatching(/^The newest archive looks wrong: Its content has 7.9 bits per byte/)],
    })
    // A size that grows is no fault of coverage, and one that shrinks has its own state and threshold.
    expect(judge([...before, { ...containing(2, 9000), artifactBytes: 4500 }]).state).toBe('covered')
    expect(judge([...before, { ...containing(2, 600), artifactBytes: 300 }]).state).toBe('shrunk')
  })

  it('tells every fault and is the worst of them', () => {
    const judged = judge([entry(900), entry(800), entry(700, 10), entry(690, 1, { state: 'incomplete' })])
    expect(judged.state).toBe('stale')
    expect(judged.reasons).toHaveLength(3)
  })

  it('lets guests be parked by tag, by id and as templates, and tells those that are gone', () => {
    expect(judge([], { ...onSite, tags: ['a', 'parked'] }).state).toBe('parked')
    expect(judge([entry(900)], { ...onSite, template: true }).state).toBe('parked')
    expect(judge([], 'unknown', { parkedIds: ['100'] }).state).toBe('parked')
    expect(coverageOf(summariseGuest({ site: 'hq', guest, entries: [entry(900)] }), undefined, rules, now).state).toBe(
      'gone',
    )
  })

  describe('of a guest whose id another one had', () => {
    const payroll = { id: 'smbios:payroll' }
    const scratch = { id: 'smbios:scratch' }
    const of = (name: string, identity: { id: string }, one: CatalogueEntry): CatalogueEntry => {
      if (one.facts === undefined) throw new Error('no facts')
      return { ...one, facts: { ...one.facts, name, identity } }
    }
    const both = [of('payroll-db', payroll, entry(20, 9000)), of('scratch', scratch, entry(2, 100))]
    const on = (entries: CatalogueEntry[], identity: { id: string } | undefined) => {
      const archived = summariseGuest({ site: 'hq', guest, entries }, identity)
      return coverageOf(archived, { ...onSite, name: 'scratch', identity }, rules, now)
    }

    it('is never, though an archive of the other one is young', () => {
      expect(on(both.slice(0, 1), scratch)).toMatchObject({
        state: 'never',
        archives: 0,
        reasons: [
          'It was never archived. The archives are of another guest that had this id (payroll-db, last archived 2026-11-21).',
        ],
        formerGuests: [{ name: 'payroll-db', archives: 1, lastAt: entry(20).createdAt }],
      })
    })

    it('is that of its own archives, and the others are told', () => {
      expect(on(both, scratch)).toMatchObject({
        state: 'covered',
        archives: 1,
        sizeBytes: 100,
        reasons: ['1 archive is of another guest that had this id (payroll-db, last archived 2026-11-21).'],
      })
      // The old guest was restored under its id.
      expect(on(both, payroll)).toMatchObject({ state: 'covered', newestAt: entry(20).createdAt, archives: 1 })
      expect(on(both, undefined)).toMatchObject({ state: 'covered', newestAt: entry(2).createdAt })
    })

    it('counts archives that tell nothing of their guest, until one is there that does', () => {
      expect(on([entry(2)], scratch)).toMatchObject({ state: 'covered', reasons: [], archives: 1 })
    })

    it('has not shrunk beside the other guest', () => {
      const others = [90, 60, 40].map((hours) => of('payroll-db', payroll, entry(hours, 9000)))
      expect(on([...others, ...both.slice(1)], scratch).state).toBe('covered')
    })
  })

  describe('when the clock of the platform is wrong', () => {
    const dated = (hoursAgo: number, createdAt: string, clockOffsetSeconds?: number): CatalogueEntry => {
      const right = entry(hoursAgo)
      if (right.facts === undefined) throw new Error('no facts')
      const offset = clockOffsetSeconds === undefined ? {} : { clockOffsetSeconds }
      const facts = { ...right.facts, createdAt, ...offset }
      return { ...right, createdAt, at: archiveTime(facts), facts }
    }

    it('is no archive of the future, and covered for years by none', () => {
      const future = dated(2, '2031-11-22T10:00:00.000Z')
      const expected = {
        state: 'misdated',
        newestAt: entry(2).createdAt,
        newestCreatedAt: '2031-11-22T10:00:00.000Z',
        reasons: [
          "The newest archive is dated in the future. It is dated 2031-11-22T10:00:00.000Z and was archived at 2026-11-22T10:00:00.000Z: the platform's clock is ahead. Correct it there.",
        ],
      }
      expect(judge([future])).toMatchObject(expected)
      const inYears = new Date('2030-01-01T00:00:00.000Z')
      const later = coverageOf(summariseGuest({ site: 'hq', guest, entries: [future] }), onSite, rules, inYears)
      expect(later).toMatchObject({ state: 'stale' })
    })

    it('is a fresh archive all the same, and the newest though it is dated before the others', () => {
      expect(judge([entry(26), dated(2, '2021-11-22T10:00:00.000Z', -157_766_400)])).toMatchObject({
        state: 'covered',
        newestAt: '2026-11-22T10:00:00.000Z',
        newestCreatedAt: '2021-11-22T10:00:00.000Z',
      })
    })

    it('is a finding as long as an archive has a date that has yet to come, whoever wrote it', () => {
      const toCome = dated(2, '2031-11-22T10:00:00.000Z')
      const facts = toCome.facts === undefined ? undefined : { ...toCome.facts, writtenAt: '2031-11-22T11:00:00.000Z' }
      if (facts === undefined) throw new Error('no facts')
      expect(judge([{ ...toCome, at: archiveTime(facts), facts }])).toMatchObject({
        state: 'misdated',
        reasons: [expect.stringMatching(/the clock of the machine that wrote it is wrong\.$/)],
      })
    })
  })

  it('never calls a guest covered whose newest whole archive is older than allowed, or that has none', () => {
    const anEntry = fc
      .tuple(fc.integer({ min: 0, max: 100 }), fc.constantFrom('complete', 'unreadable', 'damaged'))
      .map(([hours, state]) => entry(hours, 1000, { state }))
    fc.assert(
      fc.property(fc.array(anEntry, { maxLength: 8 }), (entries) => {
        const sorted = entries.toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1))
        const young = sorted.some(
          ({ state, createdAt }) => state === 'complete' && now.getTime() - Date.parse(createdAt) <= 30 * HOUR,
        )
        const newestWhole = sorted.at(-1)?.state === 'complete'
        expect(judge(sorted).state === 'covered').toBe(young && newestWhole)
      }),
    )
  })
})
