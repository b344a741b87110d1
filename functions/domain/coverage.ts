/** Which guests are covered by an archive that is young, whole and plausible; and which aren't, and why. */
import type { CatalogueEntry, GuestArchives } from './catalogue.ts'
import { figuresOf, HISTORY, median, oddities } from './archive-figures.ts'
import { formatBytes } from './byte-size.ts'
import { duration } from './duration.ts'
import { nameOf } from './catalogue-search.ts'
import type { KeyedGuest } from './object-keys.ts'

/**
 * - `never`: on the site, and no archive of it can be restored.
 * - `stale`: the newest archive is older than the schedule allows.
 * - `damaged`: the newest archive misses files, or was refused when it was read back.
 * - `suspicious`: the newest archive compresses otherwise than those before it, or looks otherwise random: encrypted?
 * - `shrunk`: the newest archive is far smaller than those before it.
 * - `parked`: not to be archived, on purpose. `gone`: archived, and not on the site any more. Neither counts against it.
 */
export type CoverageState = 'never' | 'stale' | 'damaged' | 'suspicious' | 'shrunk' | 'covered' | 'parked' | 'gone'

/** What doesn't let a guest count as covered, worst first. */
export const uncoveredStates: readonly CoverageState[] = ['never', 'stale', 'damaged', 'suspicious', 'shrunk']

/** What coverage keeps of a guest's archives, so that thousands of guests fit in memory. */
export interface ArchivedGuest {
  site: string
  guest: KeyedGuest
  name: string
  archives: number
  sizeBytes: number
  /** The newest archive that can be restored. */
  newest?: Pick<CatalogueEntry, 'createdAt' | 'artifactBytes' | 'folder' | 'verification'>
  /** Sizes of those before it that compare with it, newest first, at most ten. Bytes. */
  earlierBytes: number[]
  /** What is odd about `newest` beside its size, a sentence each. */
  suspicions: string[]
  /** Archives newer than `newest`, all broken. */
  brokenSince: Pick<CatalogueEntry, 'createdAt' | 'state' | 'reason'>[]
}

/** A guest of the site, as far as coverage depends on it. */
export interface SiteGuest extends KeyedGuest {
  name: string
  tags: readonly string[]
  template?: boolean
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
  newestAt?: string
  lastVerifiedAt?: string
  /** Schedules that choose it; absent where nobody asked, or nobody expects any to. */
  chosenBy?: string[]
}

/** Fewer archives than this make no history that one could shrink from. */
const HISTORY_NEEDED = 2

export function summariseGuest(guest: GuestArchives): ArchivedGuest {
  const { entries, site } = guest
  const at = entries.findLastIndex(({ state }) => state === 'complete')
  const newest = entries[at]
  // Another compression makes another size.
  const earlier = entries
    .slice(0, Math.max(0, at))
    .filter(({ state, facts }) => state === 'complete' && facts?.compress === newest?.facts?.compress)
  return {
    site,
    guest: guest.guest,
    name: nameOf(guest),
    archives: entries.length,
    sizeBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ...(newest === undefined ? {} : { newest }),
    earlierBytes: earlier.slice(-HISTORY).map(({ artifactBytes }) => artifactBytes),
    suspicions: newest === undefined ? [] : suspicionsOf(newest, earlier.toReversed()),
    brokenSince: entries
      .slice(at + 1)
      .map(({ createdAt, state, reason }) => ({ createdAt, state, ...(reason === undefined ? {} : { reason }) })),
  }
}

/** Retention's own judgement, but for the size: `shrunkBelow` is coverage's own. */
function suspicionsOf(newest: CatalogueEntry, before: readonly CatalogueEntry[]): string[] {
  const figures = ({ artifactBytes, facts, verification }: CatalogueEntry) =>
    figuresOf(artifactBytes, facts, verification)
  const trusted = before.filter(({ verification }) => verification?.state !== 'failed')
  const odd = oddities(figures(newest), trusted.map(figures)).filter(({ figure }) => figure !== 'size')
  return odd.map(({ sentence }) => `The newest archive looks wrong: ${sentence}`)
}

/** @param onSite the guest as the site has it; absent: it isn't there. `'unknown'`: nobody asked the site. */
export function coverageOf(
  archived: ArchivedGuest,
  onSite: SiteGuest | 'unknown' | undefined,
  rules: CoverageRules,
  now: Date,
): GuestCoverage {
  const { site, guest, newest, archives, sizeBytes } = archived
  const verification = newest?.verification
  const found = {
    site,
    guest: { kind: guest.kind, id: guest.id },
    name: typeof onSite === 'object' ? onSite.name : archived.name,
    archives,
    sizeBytes,
    ...(newest === undefined ? {} : { newestAt: newest.createdAt }),
    ...(verification?.state === 'verified' && verification.at !== undefined ? { lastVerifiedAt: verification.at } : {}),
  }
  if (onSite === undefined) return { ...found, state: 'gone', reasons: ['It is not on the site (any more).'] }
  const parked = parkedBecause(guest, onSite === 'unknown' ? undefined : onSite, rules)
  if (parked !== undefined) return { ...found, state: 'parked', reasons: [parked] }
  const faults = faultsOf(archived, rules, now)
  const worst = uncoveredStates.find((state) => faults.some((fault) => fault.state === state))
  return { ...found, state: worst ?? 'covered', reasons: faults.map(({ reason }) => reason) }
}

/** A guest of the site with no archive at all. */
export function unarchived(site: string, { kind, id, name }: SiteGuest): ArchivedGuest {
  return {
    site,
    guest: { kind, id },
    name,
    archives: 0,
    sizeBytes: 0,
    earlierBytes: [],
    suspicions: [],
    brokenSince: [],
  }
}

function parkedBecause({ id }: KeyedGuest, onSite: SiteGuest | undefined, rules: CoverageRules): string | undefined {
  if (rules.parkedIds.includes(id)) return 'It is parked by its id.'
  const tag = onSite?.tags.find((each) => rules.parkedTags.includes(each))
  if (tag !== undefined) return `It is parked by its tag ${tag}.`
  return onSite?.template === true ? 'It is a template.' : undefined
}

function faultsOf(
  { newest, earlierBytes, suspicions, brokenSince, archives }: ArchivedGuest,
  { everyMilliseconds, graceMilliseconds, shrunkBelow }: CoverageRules,
  now: Date,
): { state: CoverageState; reason: string }[] {
  if (newest === undefined) {
    const why = brokenSince.at(-1)?.reason
    const none = `None of its ${archives} archives can be restored.${why === undefined ? '' : ` The newest: ${why}`}`
    const reason = archives === 0 ? 'It was never archived.' : none
    return [{ state: 'never', reason }]
  }
  const age = now.getTime() - Date.parse(newest.createdAt)
  // One that has no manifest yet may be on its way at this moment.
  const broken = brokenSince.filter(
    ({ createdAt, state }) => state !== 'incomplete' || now.getTime() - Date.parse(createdAt) > graceMilliseconds,
  ).length
  const usual = median(earlierBytes)
  const { state, reason = 'nobody knows why' } = newest.verification ?? {}
  return [
    ...(age > everyMilliseconds + graceMilliseconds
      ? [{ state: 'stale' as const, reason: `The newest archive is ${duration(age)} old.` }]
      : []),
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
  ]
}
