import { describe, expect, it } from 'vitest'
import type { RehearsalBook } from '../../../../functions/contracts/drill.ts'
import type { CatalogueEntry, GuestArchives } from '../../../../functions/domain/catalogue/catalogue.ts'
import { type DueDrill, drillDue, inLanes, placeDrills } from '../../../../functions/domain/restore/due-drills.ts'
import { readManifestFacts } from '../../../../functions/domain/catalogue/manifest-facts.ts'
import { manifestOf } from '../../../fakes/manifest.ts'

const NOW = new Date('2026-11-30T02:00:00.000Z')
const GUEST = { kind: 'vm', id: '100', name: 'web01' } as const
const none: RehearsalBook = { version: 1, site: 'hq', guests: [] }

function factsOf(createdAt: string) {
  const owner = { site: 'hq', guest: { kind: 'vm', id: '100' }, keyedAt: createdAt } as const
  const facts = readManifestFacts(JSON.stringify(manifestOf(createdAt, [10])), owner)
  if ('unreadable' in facts) throw new Error(facts.unreadable)
  return facts
}

function archive(createdAt: string, changes: Partial<CatalogueEntry> = {}): CatalogueEntry {
  return {
    folder: `archives/hq/vm-100/${createdAt}/`,
    site: 'hq',
    guest: { kind: 'vm', id: '100' },
    createdAt,
    at: createdAt,
    state: 'complete',
    sizeBytes: 10,
    artifactBytes: 10,
    facts: factsOf(createdAt),
    ...changes,
  }
}

function archives(...entries: CatalogueEntry[]): GuestArchives {
  return { site: 'hq', guest: { kind: 'vm', id: '100' }, entries }
}

function rehearsed(at: string, passed: boolean, lastPassedAt?: string): RehearsalBook {
  const of = (when: string, ok: boolean) => ({
    at: when,
    passed: ok,
    summary: 'It was looked at.',
    archiveCreatedAt: '2026-11-01T00:00:00.000Z',
    totalSeconds: 60,
    evidenceKey: 'drills/2026/11/01/one.json',
  })
  const lastPassed = passed
    ? { lastPassed: of(at, true) }
    : lastPassedAt === undefined
      ? {}
      : { lastPassed: of(lastPassedAt, true) }
  return { ...none, guests: [{ kind: 'vm', id: '100', name: 'web01', last: of(at, passed), ...lastPassed }] }
}

const OLD = archive('2026-11-10T02:00:00.000Z')
const NEW = archive('2026-11-29T02:00:00.000Z')
const due = (book: RehearsalBook, all: GuestArchives | undefined = archives(OLD, NEW), everyDays = 30) =>
  drillDue(GUEST, all, book, { everyDays }, NOW)

describe('a guest is due to be rehearsed', () => {
  it('when it never was with success, with its newest whole archive', () => {
    expect(due(none)).toMatchObject({
      folder: NEW.folder,
      lastTried: 0,
      reason: 'It was never rehearsed with success.',
    })
  })

  it('again when its last success is longer ago than the policy allows, and not before', () => {
    expect(due(rehearsed('2026-11-20T02:00:00.000Z', true))).toBe('not-due')
    expect(due(rehearsed('2026-10-20T02:00:00.000Z', true))).toMatchObject({
      reason: 'Its last rehearsal that passed was 41 days ago.',
    })
    expect(due(rehearsed('2026-11-29T02:00:00.000Z', true), undefined, 0)).not.toBe('not-due')
  })

  it('when the last one failed, however young, behind those that wait longer', () => {
    expect(due(rehearsed('2026-11-29T02:00:00.000Z', false))).toMatchObject({
      lastTried: Date.parse('2026-11-29T02:00:00.000Z'),
    })
    expect(due(rehearsed('2026-11-29T02:00:00.000Z', false, '2026-11-28T02:00:00.000Z'))).toMatchObject({
      reason: 'Its last rehearsal failed.',
    })
  })

  it('when its last success is dated in the future, which proves nothing', () => {
    expect(due(rehearsed('2027-11-29T02:00:00.000Z', true))).not.toBe('not-due')
  })

  it('when the rehearsal was of another guest that had the id', () => {
    const book = rehearsed('2026-11-29T02:00:00.000Z', true)
    const [noted] = book.guests
    const former = { ...book, guests: noted === undefined ? [] : [{ ...noted, identity: { id: 'former' } }] }
    const present = archive('2026-11-29T02:00:00.000Z')
    const its = { ...present, ...(present.facts && { facts: { ...present.facts, identity: { id: 'present' } } }) }
    const found = drillDue({ ...GUEST, identity: { id: 'present' } }, archives(its), former, { everyDays: 30 }, NOW)
    expect(found).toMatchObject({ reason: 'It was never rehearsed with success.', lastTried: 0 })
  })

  it('with the newest archive on or before a day', () => {
    const found = drillDue(GUEST, archives(OLD, NEW), none, { everyDays: 0, until: '2026-11-12T23:59:59.999Z' }, NOW)
    expect(found).toMatchObject({ folder: OLD.folder })
  })

  it('and told apart when it has no archive at all', () => {
    const without = { without: 'vm 100 (web01) has no archive.' }
    expect(drillDue(GUEST, undefined, none, { everyDays: 30 }, NOW)).toEqual(without)
    expect(drillDue(GUEST, archives(), none, { everyDays: 30 }, NOW)).toEqual(without)
  })

  it('and named as unfit when there is nothing to restore, or nothing that can be read', () => {
    const before = { everyDays: 0, until: '2001-01-01T00:00:00.000Z' }
    expect(drillDue(GUEST, archives(OLD), none, before, NOW)).toEqual({
      unfit: 'vm 100 (web01) has no archive that can be restored.',
    })
    const refused = archive(NEW.createdAt, { verification: { state: 'failed', tags: [] } })
    expect(due(none, archives(OLD, refused))).toMatchObject({ unfit: expect.stringContaining('refused') })
    const frozen = archive(NEW.createdAt, { storageClass: 'DEEP_ARCHIVE' })
    expect(due(none, archives(OLD, frozen))).toMatchObject({ unfit: expect.stringContaining('DEEP_ARCHIVE') })
  })
})

const drill = (folder: string, node: string, lastTried = 0): DueDrill => ({
  guest: { ...GUEST },
  folder,
  node,
  reason: 'It is due.',
  lastTried,
})
const range = { first: 9900, last: 9902 }
const open = { range, taken: new Set<string>(), busyNodes: new Set<string>() }

describe('places for rehearsals', () => {
  it('go to those that waited longest, each with an id that nobody has', () => {
    const all = [drill('c/', 'pve1', 30), drill('a/', 'pve1'), drill('b/', 'pve2', 20)]
    const { placed, postponed, notes } = placeDrills(all, { ...open, most: 2, taken: new Set(['9900']) })
    expect(placed.map(({ folder, scratchId }) => [folder, scratchId])).toEqual([
      ['a/', '9901'],
      ['b/', '9902'],
    ])
    expect(postponed).toBe(1)
    expect(notes).toEqual([])
  })

  it('are never outside the range, and the lack of ids is named', () => {
    const all = [drill('a/', 'pve1'), drill('b/', 'pve1')]
    const { placed, notes } = placeDrills(all, { ...open, most: 2, taken: new Set(['9900', '9901']) })
    expect(placed.map(({ scratchId }) => scratchId)).toEqual(['9902'])
    expect(notes).toEqual([expect.stringContaining('only 1 are free')])
  })

  it('are never on a node on which another drill is at work', () => {
    const all = [drill('a/', 'pve1'), drill('b/', 'pve2')]
    const { placed, notes } = placeDrills(all, { ...open, most: 2, busyNodes: new Set(['pve1']) })
    expect(placed.map(({ folder }) => folder)).toEqual(['b/'])
    expect(notes).toEqual([expect.stringContaining('node pve1')])
    expect(placeDrills(all, { ...open, most: 2, node: 'pve1', busyNodes: new Set(['pve1']) }).placed).toEqual([])
  })
})

describe('lanes', () => {
  it('hold the rehearsals of one node one after the other, however few lanes there are', () => {
    const all = ['pve1', 'pve2', 'pve1', 'pve3'].map((node, index) => ({ node, index }))
    expect(inLanes(all, 40).map((lane) => lane.map(({ index }) => index))).toEqual([[0, 2], [1], [3]])
    const two = inLanes(all, 2)
    expect(two).toHaveLength(2)
    expect(two.flat()).toHaveLength(4)
    const lanesOf = (node: string) => two.filter((lane) => lane.some((one) => one.node === node)).length
    expect(['pve1', 'pve2', 'pve3'].map(lanesOf)).toEqual([1, 1, 1])
  })
})
