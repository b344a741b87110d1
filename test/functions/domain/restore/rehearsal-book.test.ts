import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DrillEvidence, RehearsalBook } from '../../../../functions/contracts/drill.ts'
import { rehearsalsOf, withRehearsal } from '../../../../functions/domain/restore/rehearsal-book.ts'
import { evidenceOf } from '../../../fakes/drill-evidence.ts'

const EMPTY: RehearsalBook = { version: 1, site: 'hq', guests: [] }
const GUEST = { kind: 'vm', id: '100' } as const
const keyOf = ({ restoreId }: DrillEvidence) => `drills/2026/11/20/${restoreId}.json`
const bookOf = (all: readonly DrillEvidence[]) =>
  all.reduce((book, evidence) => withRehearsal(book, evidence, keyOf(evidence)), EMPTY)
const of = (identity: string | undefined, day: number, passed: boolean) =>
  evidenceOf(`drill-${day}-${identity ?? 'none'}`, {
    passed,
    endedAt: `2026-11-${String(day).padStart(2, '0')}T02:05:00.000Z`,
    guest: { ...GUEST, name: `web-${day}`, ...(identity === undefined ? {} : { identity: { id: identity } }) },
  })

const anyEvidence = fc
  .record({
    id: fc.constantFrom('100', '101'),
    identity: fc.constantFrom(undefined, 'a', 'b', 'c'),
    witness: fc.constantFrom(undefined, 'w1', 'w2'),
    day: fc.integer({ min: 1, max: 5 }),
    passed: fc.boolean(),
  })
  .map(({ id, identity, witness, day, passed }) => ({
    day,
    passed,
    guest: {
      kind: 'vm' as const,
      id,
      name: `guest-${day}`,
      ...(identity === undefined ? {} : { identity: { id: identity, ...(witness === undefined ? {} : { witness }) } }),
    },
  }))
const manyEvidence = fc
  .array(anyEvidence, { maxLength: 12 })
  .map((all) =>
    all.map(({ day, passed, guest }, index) =>
      evidenceOf(`drill-${index}`, { passed, guest, endedAt: `2026-11-0${day}T02:05:00.000Z` }),
    ),
  )

describe('the book of rehearsals', () => {
  it('is the same whatever order evidence comes in, and however often', () => {
    fc.assert(
      fc.property(
        manyEvidence.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
        ),
        ([all, shuffled]) => {
          const book = bookOf(all)
          expect(bookOf(shuffled)).toEqual(book)
          expect(bookOf([...shuffled, ...all])).toEqual(book)
        },
      ),
    )
  })

  it('has the last rehearsal of a guest and the last that passed, each with where its evidence lies', () => {
    const book = bookOf([of('a', 3, true), of('a', 1, true), of('a', 5, false)])
    expect(rehearsalsOf(book, { ...GUEST, identity: { id: 'a' } })).toMatchObject({
      last: { at: '2026-11-05T02:05:00.000Z', passed: false, evidenceKey: 'drills/2026/11/20/drill-5-a.json' },
      lastPassed: { at: '2026-11-03T02:05:00.000Z', passed: true },
    })
    expect(book.guests.map(({ name }) => name)).toEqual(['web-5'])
  })

  it('keeps guests apart that had one id, and counts none for another', () => {
    const book = bookOf([of('former', 1, true), of('present', 2, false)])
    expect(rehearsalsOf(book, { ...GUEST, identity: { id: 'present' } })).not.toHaveProperty('lastPassed')
    expect(rehearsalsOf(book, { ...GUEST, identity: { id: 'former' } })).toMatchObject({ lastPassed: { passed: true } })
    expect(rehearsalsOf(book, { ...GUEST, identity: { id: 'third' } })).toBeUndefined()
    // Of whom nobody knows who it is, the one that was rehearsed last counts.
    expect(rehearsalsOf(book, GUEST)).not.toHaveProperty('lastPassed')
  })

  it('does not count a success of a former guest by way of evidence that names nobody', () => {
    const book = bookOf([of('former', 1, true), of(undefined, 2, false), of('present', 3, false)])
    expect(rehearsalsOf(book, { ...GUEST, identity: { id: 'present' } })).not.toHaveProperty('lastPassed')
  })

  it('takes back a success whose evidence was written anew as a failure', () => {
    const evidence = of('a', 1, true)
    const book = bookOf([evidence, { ...evidence, passed: false }])
    expect(rehearsalsOf(book, { ...GUEST, identity: { id: 'a' } })).toMatchObject({ last: { passed: false } })
    expect(rehearsalsOf(book, { ...GUEST, identity: { id: 'a' } })).not.toHaveProperty('lastPassed')
  })
})
