import { byId } from '../../domain/identity/compare-ids.ts'
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
} from '../../domain/coverage/coverage.ts'
import type { CoverageSchedule } from '../../contracts/coverage.ts'
import { absenceText, goneRule, guestName } from '../../domain/identity/presence.ts'
import { guestKey, promisesOf, type SchedulePromise } from '../../domain/selection/schedule-choice.ts'
import { readRehearsed } from './rehearsed-guests.ts'
import { lookAtSite, type SiteLook, type SitesWitness } from '../selection/look-at-site.ts'
import type { Ports } from '../ports.ts'
import { readCatalogue } from '../catalogue/read-catalogue.ts'

export interface Coverage {
  judgedAt: string
  guests: GuestCoverage[]
  counts: Record<CoverageState, number>
  /** What couldn't be known, a sentence each: without any, the list is whole. */
  unknown: string[]
  /** A person has to look, whatever the account is meant to see: many guests vanished at once, or what was asked for isn't known. */
  doubted: boolean
}

interface Needs extends Pick<Ports, 'store' | 'keyPrefix' | 'now'> {
  /** Absent: the bucket alone is judged, and guests without any archive stay unknown. */
  provider?: SitesWitness
  /** Keep in the site's book whom the site listed: several such lists tell who is gone. */
  record?: boolean
  /** What the site's guests are archived by. Absent: that isn't known, and one rule holds for all. */
  schedules?: readonly CoverageSchedule[]
}

/**
 * Judge every guest of a site, or of all sites that have archives; worst first, then by site and id. A guest that
 * schedules choose is held to the shortest of their intervals, any other one to the rules' own.
 * @throws ClusterChanged when another cluster answers than the one that the site's archives come from
 */
export async function judgeCoverage(
  site: string | undefined,
  rules: CoverageRules,
  { store, keyPrefix, now, provider, schedules, record = false }: Needs,
): Promise<Coverage> {
  // The site first: a guest that is archived meanwhile isn't taken for one that never was.
  const list =
    provider === undefined
      ? undefined
      : await lookAtSite({ site: site ?? '', provider, record }, { store, keyPrefix, now })
  const archived: ArchivedGuest[] = []
  const filter = site === undefined ? {} : { site }
  const onSite = new Map(list?.guests.map((guest): [string, SiteGuest] => [guestKey(guest), guest]))
  for await (const guest of readCatalogue(filter, { store, keyPrefix })) {
    archived.push(summariseGuest(guest, onSite.get(guestKey(guest.guest))?.identity))
  }
  // After the archives: their sites are known by now.
  const sites = [...(site === undefined ? [] : [site]), ...archived.map((one) => one.site)]
  const { rehearsed, unread } = await readRehearsed(sites, { store, keyPrefix }, record)
  const promises = schedules === undefined ? undefined : promisesOf(list?.guests ?? [], schedules)
  const seen = new Set(archived.map(({ guest }) => guestKey(guest)))
  const missing = [...onSite.values()].filter((guest) => !seen.has(guestKey(guest)))
  const judge = (one: ArchivedGuest, there: Presence) =>
    judgePromised(rehearsed(one), there, promises?.get(guestKey(one.guest)), rules, now())
  const guests = [
    ...archived.map((one) =>
      judge(one, list === undefined ? 'unknown' : (onSite.get(guestKey(one.guest)) ?? missingFrom(list, one))),
    ),
    ...missing.map((guest) => judge(unarchived(site ?? '', guest), guest)),
  ]
  const counts = {
    never: 0,
    stale: 0,
    misdated: 0,
    damaged: 0,
    suspicious: 0,
    shrunk: 0,
    lesser: 0,
    unrehearsed: 0,
    covered: 0,
    parked: 0,
    absent: 0,
    gone: 0,
  }
  for (const { state } of guests) counts[state] += 1
  const unknown = [
    ...(list === undefined
      ? ['The site was not asked: guests without any archive, and guests that are gone, are not told apart.']
      : []),
    ...new Set([list?.mayLack, list?.doubt].filter((sentence) => sentence !== undefined)),
    ...unread,
  ]
  const doubted = list?.doubt !== undefined || (rules.rehearsedMilliseconds !== undefined && unread.length > 0)
  return { judgedAt: now().toISOString(), guests: guests.toSorted(worstFirst), counts, unknown, doubted }
}

/** The guest as the site has it, or what is to be thought of it where it has none. `undefined`: it is gone. */
type Presence = Parameters<typeof coverageOf>[1]

/** Gone is only what whole lists have lacked for days, and while nobody doubts them. */
function missingFrom({ absent, mayLack, doubt }: SiteLook, { guest }: ArchivedGuest): Presence {
  const found = absent.find((one) => guestName(one) === guestName(guest))
  if (found?.gone === true && doubt === undefined) return undefined
  if (found === undefined || mayLack !== undefined)
    return { absent: 'The site does not list it, and may have more than it lists.' }
  return { absent: `It is ${absenceText(found)}. ${goneRule}` }
}

function judgePromised(
  archived: ArchivedGuest,
  onSite: Presence,
  promise: SchedulePromise | undefined,
  rules: CoverageRules,
  now: Date,
): GuestCoverage {
  const { everyMilliseconds = rules.everyMilliseconds, chosenBy, remarks = [] } = promise ?? {}
  const judged = coverageOf(archived, onSite, { ...rules, everyMilliseconds }, now)
  // Nobody expects these to be chosen.
  if (chosenBy === undefined || unexpected.includes(judged.state)) return judged
  return { ...judged, chosenBy, reasons: [...judged.reasons, ...remarks] }
}

const unexpected: readonly CoverageState[] = ['absent', 'gone', 'parked']
const order: readonly CoverageState[] = [...uncoveredStates, ...unexpected, 'covered']

function worstFirst(one: GuestCoverage, other: GuestCoverage): number {
  return (
    order.indexOf(one.state) - order.indexOf(other.state) ||
    one.site.localeCompare(other.site) ||
    byId(one.guest, other.guest)
  )
}
