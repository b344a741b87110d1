/** The book of when each guest was rehearsed last. Pure. */
import type { DrillEvidence, Rehearsal, RehearsalBook, RehearsedGuest } from '../../contracts/drill.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { KeyedGuest } from '../books/object-keys.ts'
import { sameGuest } from '../identity/guest-identity.ts'

/** A guest's last rehearsal, and the last that passed. */
export type LastRehearsals = Pick<RehearsedGuest, 'last' | 'lastPassed'>

/**
 * The book with one more rehearsal. Each identity has its own entry, so that the order in which evidence comes doesn't
 * matter. Evidence that is written anew takes the place of what it said before.
 */
export function withRehearsal(book: RehearsalBook, evidence: DrillEvidence, evidenceKey: string): RehearsalBook {
  const { guest, endedAt: at, passed, summary, archive, seconds } = evidence
  const { kind, id, identity } = guest
  const totalSeconds = seconds['total'] ?? 0
  const rehearsal = { at, passed, summary, archiveCreatedAt: archive.createdAt, totalSeconds, evidenceKey }
  const before = book.guests.find((one) => entryKey(one) === entryKey(guest))
  const known = [before?.last, before?.lastPassed].filter((one) => one !== undefined)
  const all = [...known.filter((one) => one.evidenceKey !== evidenceKey), rehearsal]
  const last = newest(all) ?? rehearsal
  const lastPassed = newest(all.filter((one) => one.passed))
  const { lastPassed: _, ...kept } = before ?? {}
  const rehearsed: RehearsedGuest = {
    ...kept,
    kind,
    id,
    name: last === rehearsal || before === undefined ? guest.name : before.name,
    ...(identity === undefined ? {} : { identity }),
    last,
    ...(lastPassed === undefined ? {} : { lastPassed }),
  }
  const others = book.guests.filter((one) => one !== before)
  return { ...book, guests: [...others, rehearsed].toSorted((one, other) => compare(entryKey(one), entryKey(other))) }
}

/**
 * What the book has of a guest; `undefined`: it was never rehearsed. What is known to be of another guest that had the id
 * is left out.
 * @param guest without an identity, it counts as the one that was rehearsed last
 */
export function rehearsalsOf(
  book: RehearsalBook,
  { kind, id, identity }: KeyedGuest & { identity?: GuestIdentity | undefined },
): LastRehearsals | undefined {
  const ofId = book.guests.filter((one) => one.kind === kind && one.id === id)
  const latest = newest(ofId.map(({ last }) => last))
  const who = identity ?? ofId.find(({ last }) => last === latest)?.identity
  const its = ofId.filter((one) => sameGuest(one.identity, who) !== false)
  const last = newest(its.map((one) => one.last))
  if (last === undefined) return undefined
  const lastPassed = newest(its.flatMap((one) => one.lastPassed ?? []))
  return { last, ...(lastPassed === undefined ? {} : { lastPassed }) }
}

function entryKey({ kind, id, identity }: Pick<RehearsedGuest, 'kind' | 'id' | 'identity'>): string {
  return [`${kind}-${id}`, identity?.id ?? '', identity?.witness ?? ''].join(' ')
}

/** Two of one instant are told apart by their keys, so that it is the same one each time. */
function newest(rehearsals: readonly Rehearsal[]): Rehearsal | undefined {
  const ordered = rehearsals.toSorted(
    (one, other) => Date.parse(one.at) - Date.parse(other.at) || compare(one.evidenceKey, other.evidenceKey),
  )
  return ordered.at(-1)
}

/** Not by a language's rules, which differ from machine to machine. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
