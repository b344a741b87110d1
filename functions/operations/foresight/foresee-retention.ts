import type { Retention } from '../../contracts/retention.ts'
import type { GuestRetention, RetentionEffect } from '../../contracts/retention-report.ts'
import { roundDollars } from '../../domain/prices/prices.ts'
import { counted } from '../../domain/words/counted.ts'
import { pruneSite, type SiteOrder } from '../pruning/prune-site.ts'
import type { RetentionPorts } from '../pruning/retention-ports.ts'

/** What a retention would do to one guest's part of the bill. */
export interface ForeseenGuestRetention {
  /** As in the bill: `hq/vm-100`. */
  owner: string
  archives: number
  /** That would go, and that rules or confirmations let go but a lock holds. */
  going: number
  locked: number
  /** The last day of those locks, where they have one. */
  lockedUntil?: string
  effect: RetentionEffect
  warnings: string[]
}

export interface ForeseenRetention {
  site: string
  policy: Retention
  /** What saves most first. */
  guests: ForeseenGuestRetention[]
  /** Guests that could not be looked at, and why. */
  troubled: { owner: string; trouble: string }[]
  /** Of all guests together, in dollars a month. */
  beforePerMonth: number
  afterPerMonth: number
  savedPerMonth: number
  earlyDeletionDollars: number
  /** Archives. */
  going: number
  locked: number
  /** Sentences for people. */
  leavesOut: string[]
}

/**
 * The plan that pruning would carry out, as money: the same dry run, guest by guest, of which only sums are kept.
 * @throws StoreDenied who may not list versions may not prune either
 */
export async function foreseeRetention(
  order: Omit<SiteOrder, 'dryRun'>,
  ports: RetentionPorts,
): Promise<ForeseenRetention> {
  const { site, policy, known } = order
  const guests: ForeseenGuestRetention[] = []
  const troubled: ForeseenRetention['troubled'] = []
  let locksNotAsked = 0
  for await (const { guest, result } of pruneSite({ ...order, dryRun: true }, ports)) {
    const owner = `${site}/${guest.kind}-${guest.id}`
    if ('trouble' in result) troubled.push({ owner, trouble: result.trouble })
    else {
      guests.push(foreseenGuest(owner, result))
      locksNotAsked += result.locksNotAsked ?? 0
    }
  }
  guests.sort(
    (one, other) => other.effect.savedPerMonth - one.effect.savedPerMonth || (one.owner < other.owner ? -1 : 1),
  )
  const sum = (of: (guest: ForeseenGuestRetention) => number) => guests.reduce((total, guest) => total + of(guest), 0)
  const dollars = (of: (effect: RetentionEffect) => number) => roundDollars(sum(({ effect }) => of(effect)))
  return {
    site,
    policy,
    guests,
    troubled,
    beforePerMonth: dollars(({ beforePerMonth }) => beforePerMonth),
    afterPerMonth: dollars(({ afterPerMonth }) => afterPerMonth),
    savedPerMonth: dollars(({ savedPerMonth }) => savedPerMonth),
    earlyDeletionDollars: dollars(({ earlyDeletionDollars }) => earlyDeletionDollars),
    going: sum(({ going }) => going),
    locked: sum(({ locked }) => locked),
    leavesOut: [
      ...(known === undefined ? ['guests that are gone: the site was not asked, so they count as present'] : []),
      ...(locksNotAsked === 0 ? [] : [`locks on ${counted(locksNotAsked, 'archive')}, of which S3 was not asked`]),
      ...(troubled.length === 0 ? [] : [`${troubled.length} guests that could not be looked at`]),
      'the requests that pruning takes, and archives that later runs add',
    ],
  }
}

function foreseenGuest(owner: string, { archives, locked, effect, warnings }: GuestRetention): ForeseenGuestRetention {
  const lockedUntil = archives
    .flatMap(({ lock }) => lock?.retainUntil ?? [])
    .toSorted()
    .at(-1)
  return {
    owner,
    archives: archives.length,
    going: archives.filter(({ decision, outcome }) => decision === 'remove' && outcome === undefined).length,
    locked,
    ...(lockedUntil === undefined ? {} : { lockedUntil }),
    effect: effect ?? nothing,
    warnings,
  }
}

const nothing: RetentionEffect = {
  beforePerMonth: 0,
  afterPerMonth: 0,
  savedPerMonth: 0,
  earlyDeletionDollars: 0,
  earlyObjects: 0,
}
