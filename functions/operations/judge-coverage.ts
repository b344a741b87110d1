import {
  type ArchivedGuest,
  coverageOf,
  type CoverageRules,
  type CoverageState,
  type GuestCoverage,
  type SiteGuest,
  summariseGuest,
  unarchived,
  uncoveredStates,
} from '../domain/coverage.ts'
import type { CoverageSchedule } from '../contracts/coverage.ts'
import { guestKey, promisesOf, type SchedulePromise } from '../domain/schedule-choice.ts'
import type { Provider } from '../providers/provider.ts'
import type { Ports } from './ports.ts'
import { readCatalogue } from './read-catalogue.ts'

export interface Coverage {
  judgedAt: string
  guests: GuestCoverage[]
  counts: Record<CoverageState, number>
  /** What couldn't be known, a sentence each: without any, the list is whole. */
  unknown: string[]
}

interface Needs extends Pick<Ports, 'store' | 'keyPrefix' | 'now'> {
  /** Absent: the bucket alone is judged, and guests without any archive stay unknown. */
  provider?: Pick<Provider, 'listGuests'>
  /** What the site's guests are archived by. Absent: that isn't known, and one rule holds for all. */
  schedules?: readonly CoverageSchedule[]
}

/**
 * Judge every guest of a site, or of all sites that have archives; worst first, then by site and id. A guest that
 * schedules choose is held to the shortest of their intervals, any other one to the rules' own.
 */
export async function judgeCoverage(
  site: string | undefined,
  rules: CoverageRules,
  { store, keyPrefix, now, provider, schedules }: Needs,
): Promise<Coverage> {
  // The site first: a guest that is archived meanwhile isn't taken for one that never was.
  const list = await provider?.listGuests('identities')
  const archived: ArchivedGuest[] = []
  const filter = site === undefined ? {} : { site }
  const onSite = new Map(list?.guests.map((guest): [string, SiteGuest] => [guestKey(guest), guest]))
  for await (const guest of readCatalogue(filter, { store, keyPrefix })) {
    archived.push(summariseGuest(guest, onSite.get(guestKey(guest.guest))?.identity))
  }
  const promises = schedules === undefined ? undefined : promisesOf(list?.guests ?? [], schedules)
  const seen = new Set(archived.map(({ guest }) => guestKey(guest)))
  const missing = [...onSite.values()].filter((guest) => !seen.has(guestKey(guest)))
  const judge = (one: ArchivedGuest, there: SiteGuest | 'unknown' | undefined) =>
    judgePromised(one, there, promises?.get(guestKey(one.guest)), rules, now())
  const guests = [
    ...archived.map((one) => judge(one, list === undefined ? 'unknown' : onSite.get(guestKey(one.guest)))),
    ...missing.map((guest) => judge(unarchived(site ?? '', guest), guest)),
  ]
  const counts = {
    never: 0,
    stale: 0,
    misdated: 0,
    damaged: 0,
    suspicious: 0,
    shrunk: 0,
    covered: 0,
    parked: 0,
    gone: 0,
  }
  for (const { state } of guests) counts[state] += 1
  const unknown = [
    ...(list === undefined
      ? ['The site was not asked: guests without any archive, and guests that are gone, are not told apart.']
      : []),
    ...(list?.mayLack === undefined ? [] : [list.mayLack]),
  ]
  return { judgedAt: now().toISOString(), guests: guests.toSorted(worstFirst), counts, unknown }
}

function judgePromised(
  archived: ArchivedGuest,
  onSite: SiteGuest | 'unknown' | undefined,
  promise: SchedulePromise | undefined,
  rules: CoverageRules,
  now: Date,
): GuestCoverage {
  const { everyMilliseconds = rules.everyMilliseconds, chosenBy, remarks = [] } = promise ?? {}
  const judged = coverageOf(archived, onSite, { ...rules, everyMilliseconds }, now)
  // Nobody expects these to be chosen.
  if (chosenBy === undefined || judged.state === 'parked' || judged.state === 'gone') return judged
  return { ...judged, chosenBy, reasons: [...judged.reasons, ...remarks] }
}

const order: readonly CoverageState[] = [...uncoveredStates, 'gone', 'parked', 'covered']

function worstFirst(one: GuestCoverage, other: GuestCoverage): number {
  return (
    order.indexOf(one.state) - order.indexOf(other.state) ||
    one.site.localeCompare(other.site) ||
    one.guest.id.localeCompare(other.guest.id, 'en', { numeric: true })
  )
}
