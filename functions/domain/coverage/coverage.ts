/** Which guests are covered by an archive that is young, whole and plausible; and which aren't, and why. */
import type { ShortGrade } from '../../contracts/grade.ts'
import type { LesserLevel } from '../../contracts/proof.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import { olderFirst, otherTime, timeOf } from '../time/archive-time.ts'
import type { CatalogueEntry, GuestArchives } from '../catalogue/catalogue.ts'
import { datedInFuture } from '../time/clock-trouble.ts'
import { type GuestOfId, guestsOfId, presentGuest } from '../identity/guests-of-id.ts'
import { figuresOf, HISTORY, median, oddities } from '../catalogue/archive-figures.ts'
import { unrehearsed } from './unrehearsed.ts'
import { formatBytes } from '../words/byte-size.ts'
import type { LastRehearsals } from '../restore/rehearsal-book.ts'
import { duration } from '../time/duration.ts'
import { nameOf } from '../catalogue/catalogue-search.ts'
import { gradeText } from '../backup/grade.ts'
import type { KeyedGuest } from '../books/object-keys.ts'

/**
 * - `never`: on the site, and no archive of it can be restored.
 * - `stale`: the newest archive is older than the schedule allows.
 * - `misdated`: the newest archive is dated in the future, so that its age says nothing.
 * - `damaged`: the newest archive misses files, or was refused when it was read back.
 * - `suspicious`: the newest archive compresses otherwise than those before it, or looks otherwise random: encrypted?
 * - `shrunk`: the newest archive is far smaller than those before it.
 * - `lesser`: the newest archive is less consistent or complete than its job requires.
 * - `unrehearsed`: no rehearsal of it passed as recently as the rules ask for. Judged only where they do.
 * - `parked`: not to be archived, on purpose. `gone`: archived, and not on the site any more. `absent`: not in the site's
 *   list, and not known to be gone. None of these counts against it.
 */
export type CoverageState =
  | 'never'
  | 'stale'
  | 'misdated'
  | 'damaged'
  | 'suspicious'
  | 'shrunk'
  | 'lesser'
  | 'unrehearsed'
  | 'covered'
  | 'parked'
  | 'absent'
  | 'gone'

/** What doesn't let a guest count as covered, worst first. */
export const uncoveredStates: readonly CoverageState[] = [
  'never',
  'stale',
  'misdated',
  'damaged',
  'suspicious',
  'shrunk',
  'lesser',
  'unrehearsed',
]

/** A guest that had an id before the one that has it now. */
export interface FormerGuest {
  name: string
  archives: number
  /** When its newest archive was made. */
  lastAt: string
}

/** What coverage keeps of a guest's archives, so that thousands of guests fit in memory. */
export interface ArchivedGuest {
  site: string
  guest: KeyedGuest
  name: string
  archives: number
  sizeBytes: number
  /** The newest archive that can be restored. */
  newest?: Pick<CatalogueEntry, 'createdAt' | 'at' | 'facts' | 'artifactBytes' | 'folder' | 'verification'>
  /** Sizes of those before it that compare with it, newest first, at most ten. Bytes. */
  earlierBytes: number[]
  /** What is odd about `newest` beside its size, a sentence each. */
  suspicions: string[]
  /** Archives newer than `newest`, all broken. */
  brokenSince: Pick<CatalogueEntry, 'createdAt' | 'at' | 'state' | 'reason'>[]
  /** Whose archives lie under the same id and don't count for it. */
  former?: FormerGuest[]
  /** Who it is, by the site or by its archives; absent where neither tells. */
  identity?: GuestIdentity
  /** Absent: it was never rehearsed. `'unknown'`: that can't be read. */
  rehearsal?: LastRehearsals | 'unknown'
}

/** A guest of the site, as far as coverage depends on it. */
export interface SiteGuest extends KeyedGuest {
  name: string
  tags: readonly string[]
  template?: boolean
  identity?: GuestIdentity | undefined
}

export interface CoverageRules {
  /** How often a guest is to be archived, and how much later an archive may be. */
  everyMilliseconds: number
  graceMilliseconds: number
  /** Below this share of the median of earlier archives, an archive is `shrunk`. */
  shrunkBelow: number
  /** Guests with one of these tags, or ids, are parked. */
  parkedTags: readonly string[]
  parkedIds: readonly string[]
  /** How long ago a rehearsal may have passed. Absent: rehearsals aren't judged. */
  rehearsedMilliseconds?: number | undefined
}

export interface GuestCoverage {
  site: string
  guest: KeyedGuest
  name: string
  state: CoverageState
  /** Everything that is to say, a sentence each. */
  reasons: string[]
  archives: number
  sizeBytes: number
  /** The trusted time of the newest archive. */
  newestAt?: string
  /** What the platform's clock said, where that is more than a minute off. */
  newestCreatedAt?: string
  lastVerifiedAt?: string
  /** Of the newest archive; absent where nobody knows. */
  grade?: ShortGrade
  /** Of the newest archive. Absent: by the CRC-32 that the store computed. */
  proof?: LesserLevel
  formerGuests?: FormerGuest[]
  /** Schedules that choose it; absent where nobody asked, or nobody expects any to. */
  chosenBy?: string[]
  /** Absent where it was never rehearsed, or where that can't be read: then the judgement says so. */
  rehearsal?: LastRehearsals
}

/** Fewer archives than this make no history that one could shrink from. */
const HISTORY_NEEDED = 2

/** @param identity who has the id on the site now; absent: the guest that was archived last counts as that */
export function summariseGuest(guest: GuestArchives, identity?: GuestIdentity): ArchivedGuest {
  const { site } = guest
  const { guests, strays } = guestsOfId(guest.entries, identity)
  const present = presentGuest(guests)
  const entries = [...(present?.archives ?? []), ...(present?.strays ?? (guests.length === 0 ? strays : []))]
  entries.sort(olderFirst)
  const former = guests.filter(({ standing }) => standing === 'former').map(formerOf)
  const who = identity ?? present?.identity
  const at = entries.findLastIndex(({ state }) => state === 'complete')
  const newest = entries[at]
  // Another compression makes another size.
  const earlier = entries
    .slice(0, Math.max(0, at))
    .filter(({ state, facts }) => state === 'complete' && facts?.compress === newest?.facts?.compress)
  return {
    site,
    guest: guest.guest,
    name: present?.name ?? nameOf(guest),
    archives: entries.length,
    sizeBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ...(newest === undefined ? {} : { newest }),
    earlierBytes: earlier.slice(-HISTORY).map(({ artifactBytes }) => artifactBytes),
    suspicions: newest === undefined ? [] : suspicionsOf(newest, earlier.toReversed()),
    brokenSince: entries.slice(at + 1).map(({ createdAt, at = createdAt, state, reason }) => ({
      createdAt,
      at,
      state,
      ...(reason === undefined ? {} : { reason }),
    })),
    ...(former.length === 0 ? {} : { former }),
    ...(who === undefined ? {} : { identity: who }),
  }
}

function formerOf({ name, archives }: GuestOfId<CatalogueEntry>): FormerGuest {
  const newest = archives.at(-1)
  return { name, archives: archives.length, lastAt: newest?.at ?? newest?.createdAt ?? '' }
}

/** Retention's own judgement, but for the size: `shrunkBelow` is coverage's own. */
function suspicionsOf(newest: CatalogueEntry, before: readonly CatalogueEntry[]): string[] {
  const figures = ({ artifactBytes, facts, verification }: CatalogueEntry) =>
    figuresOf(artifactBytes, facts, verification)
  const trusted = before.filter(({ verification }) => verification?.state !== 'failed')
  const odd = oddities(figures(newest), trusted.map(figures)).filter(({ figure }) => figure !== 'size')
  return odd.map(({ sentence }) => `The newest archive looks wrong: ${sentence}`)
}

/** A guest that the site's list lacks and that isn't known to be gone: why, a sentence. */
export interface AbsentFromList {
  absent: string
}

/** @param onSite the guest as the site has it; absent: it is gone. `'unknown'`: nobody asked the site. */
export function coverageOf(
  archived: ArchivedGuest,
  onSite: SiteGuest | AbsentFromList | 'unknown' | undefined,
  rules: CoverageRules,
  now: Date,
): GuestCoverage {
  const { site, guest, newest, archives, sizeBytes, rehearsal } = archived
  const verification = newest?.verification
  const found = {
    site,
    guest: { kind: guest.kind, id: guest.id },
    name: typeof onSite === 'object' && 'name' in onSite ? onSite.name : archived.name,
    archives,
    sizeBytes,
    ...(newest === undefined ? {} : { newestAt: newest.at ?? newest.createdAt }),
    ...(newest === undefined || otherTime(newest) === undefined ? {} : { newestCreatedAt: newest.createdAt }),
    ...(newest?.facts?.grade === undefined ? {} : { grade: newest.facts.grade }),
    ...(newest?.facts?.proof === undefined ? {} : { proof: newest.facts.proof }),
    ...(archived.former === undefined ? {} : { formerGuests: archived.former }),
    ...(rehearsal === undefined || rehearsal === 'unknown' ? {} : { rehearsal }),
    ...(verification?.state === 'verified' && verification.at !== undefined ? { lastVerifiedAt: verification.at } : {}),
  }
  const former = archived.former ?? []
  if (onSite === undefined) {
    return { ...found, state: 'gone', reasons: ['It is not on the site (any more).', ...former.map(besides)] }
  }
  if (typeof onSite === 'object' && 'absent' in onSite) {
    return { ...found, state: 'absent', reasons: [onSite.absent, ...former.map(besides)] }
  }
  const parked = parkedBecause(guest, onSite === 'unknown' ? undefined : onSite, rules)
  if (parked !== undefined) return { ...found, state: 'parked', reasons: [parked] }
  const faults = faultsOf(archived, rules, now)
  const worst = uncoveredStates.find((state) => faults.some((fault) => fault.state === state))
  const reasons = faults.map(({ reason }) => reason)
  return {
    ...found,
    state: worst ?? 'covered',
    reasons: archives === 0 ? reasons : [...reasons, ...former.map(besides)],
  }
}

function besides(former: FormerGuest): string {
  const are = former.archives === 1 ? '1 archive is' : `${former.archives} archives are`
  return `${are} of ${called(former)}.`
}

/** `another guest that had this id (payroll-db, last archived 2026-11-20)` */
function called({ name, lastAt }: FormerGuest): string {
  return `another guest that had this id (${name === '' ? '' : `${name}, `}last archived ${lastAt.slice(0, 10)})`
}

/** A guest of the site with no archive at all. */
export function unarchived(site: string, { kind, id, name, identity }: SiteGuest): ArchivedGuest {
  return {
    site,
    guest: { kind, id },
    name,
    archives: 0,
    sizeBytes: 0,
    earlierBytes: [],
    suspicions: [],
    brokenSince: [],
    ...(identity === undefined ? {} : { identity }),
  }
}

function parkedBecause({ id }: KeyedGuest, onSite: SiteGuest | undefined, rules: CoverageRules): string | undefined {
  if (rules.parkedIds.includes(id)) return 'It is parked by its id.'
  const tag = onSite?.tags.find((each) => rules.parkedTags.includes(each))
  if (tag !== undefined) return `It is parked by its tag ${tag}.`
  return onSite?.template === true ? 'It is a template.' : undefined
}

function faultsOf(
  { newest, earlierBytes, suspicions, brokenSince, archives, former = [], rehearsal }: ArchivedGuest,
  { everyMilliseconds, graceMilliseconds, shrunkBelow, rehearsedMilliseconds }: CoverageRules,
  now: Date,
): { state: CoverageState; reason: string }[] {
  if (newest === undefined) {
    const why = brokenSince.at(-1)?.reason
    const none = `None of its ${archives} archives can be restored.${why === undefined ? '' : ` The newest: ${why}`}`
    const others = former.length === 0 ? '' : ` The archives are of ${former.map(called).join(' and of ')}.`
    const reason = archives === 0 ? `It was never archived.${others}` : none
    return [{ state: 'never', reason }]
  }
  const age = now.getTime() - timeOf(newest)
  const misdated = datedInFuture({ createdAt: newest.createdAt, writtenAt: newest.createdAt, ...newest.facts }, now)
  // One that has no manifest yet may be on its way at this moment.
  const broken = brokenSince.filter(
    (archive) => archive.state !== 'incomplete' || now.getTime() - timeOf(archive) > graceMilliseconds,
  ).length
  const usual = median(earlierBytes)
  const { state, reason = 'nobody knows why' } = newest.verification ?? {}
  return [
    ...(age > everyMilliseconds + graceMilliseconds
      ? [{ state: 'stale' as const, reason: `The newest archive is ${duration(age)} old.` }]
      : []),
    ...(misdated === undefined
      ? []
      : [{ state: 'misdated' as const, reason: `The newest archive is dated in the future. ${misdated}` }]),
    ...(broken > 0
      ? [{ state: 'damaged' as const, reason: `${broken} after the newest whole archive can't be restored.` }]
      : []),
    ...(state === 'failed'
      ? [{ state: 'damaged' as const, reason: `The newest archive was refused when it was read back: ${reason}` }]
      : []),
    ...suspicions.map((reason) => ({ state: 'suspicious' as const, reason })),
    ...(earlierBytes.length >= HISTORY_NEEDED && newest.artifactBytes < usual * shrunkBelow
      ? [
          {
            state: 'shrunk' as const,
            reason: `The newest archive has ${formatBytes(newest.artifactBytes)}; those before it had about ${formatBytes(usual)}.`,
          },
        ]
      : []),
    ...(newest.facts?.verdict.unmet === true
      ? [
          {
            state: 'lesser' as const,
            reason: `The newest archive is less than its job requires: ${gradeText(newest.facts.grade)}.`,
          },
        ]
      : []),
    ...unrehearsed(rehearsal, rehearsedMilliseconds, now).map((reason) => ({ state: 'unrehearsed' as const, reason })),
  ]
}
