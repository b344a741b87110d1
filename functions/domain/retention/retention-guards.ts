/**
 * What no retention rule can override: from what the rules would remove to what may be removed. Pure. Each guard keeps;
 * none ever adds to what goes.
 */
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { KeepRules, Retention } from '../../contracts/retention.ts'
import { type ArchiveFigures, oddities } from '../catalogue/archive-figures.ts'
import { olderFirst } from '../time/archive-time.ts'
import { clockTrouble, isToCome } from '../time/clock-trouble.ts'
import { formerGuest, type GuestOfId, guestsOfId, type Origin, type TracedArchive } from '../identity/guests-of-id.ts'
import { type DatedArchive, type Mark, planRetention } from './retention.ts'

/** An archive with what the guards look at. */
export interface GuardedArchive extends DatedArchive, TracedArchive, ArchiveFigures {
  /** Names it: whole key of its folder, with a slash at its end. */
  folder: string
  /** Why it can't be trusted, a sentence: no manifest, one that can't be read, files gone, verification failed. */
  problem?: string
  /** It was read back as a whole and found good. */
  verified: boolean
  /** It lacks something that its job required. */
  lesser?: true
  /** Figures compare only within one way of compressing. Absent where no manifest tells. */
  compress?: string
}

export type Guard =
  | 'untrusted'
  | 'unclear-guest'
  | 'newest-looks-wrong'
  | 'clock-in-doubt'
  | 'last-written'
  | 'last-verified'
  | 'last-as-required'
  | 'minimum-archives'
  | 'largest-share'

export interface GuardedDecision<A extends GuardedArchive> {
  archive: A
  decision: Mark
  reason: string
  /** The guard that keeps it against the rules. */
  guard?: Guard
  /** It is of a guest that had the id before: what that was called. */
  formerGuest?: string
}

export interface GuardedPlan<A extends GuardedArchive> {
  /** In the order given. */
  decisions: GuardedDecision<A>[]
  /** Sentences for a person: what looks wrong, what waits for a confirmation. */
  warnings: string[]
  /** The times of archives are in doubt, and something would go, or goes since a person confirmed it. */
  clockInDoubt: boolean
}

export interface Circumstances {
  /** The guest is gone from its site. */
  gone: boolean
  /** A person said that more than `largestShare` may go, and that the times of the archives are in order. */
  confirmed: boolean
  /** Who has the id on the site now. Absent where nobody knows: then it counts as the guest that was archived last. */
  identity?: GuestIdentity | undefined
  now?: Date | undefined
  /** Nothing is removed now: what is confirmed is only assumed, to show what confirming would do. */
  dryRun?: boolean | undefined
  /** When a person last said that the times of the archives are in order. */
  clockSeenAt?: string | undefined
}

/**
 * What may go, after the rules and the guards: for each guest that has had the id by itself. Archives that can't be
 * trusted stay, and neither count nor cover. A guest that had the id before another one is gone, as one that isn't on the
 * site any more.
 */
export function guardRetention<A extends GuardedArchive>(
  archives: readonly A[],
  policy: Retention,
  { gone, confirmed, identity, now, clockSeenAt, dryRun }: Circumstances,
): GuardedPlan<A> {
  const { guests, strays } = guestsOfId(archives, identity, originOf)
  const clock = clockTrouble(
    archives.flatMap(({ facts }) => facts ?? []),
    now,
    clockSeenAt,
  )
  const nobody: GuestOfId<A> = { archives: [], strays, standing: 'unclear', name: '' }
  const plans = (guests.length === 0 ? [nobody] : guests).map((guest) =>
    guardGuest(guest, policy, { gone, clock, confirmed, now, dryRun }),
  )
  const decided = new Map(
    [...strays.map(untrusted), ...plans.flatMap(({ decisions }) => decisions)].map((one) => [one.archive, one]),
  )
  return {
    decisions: archives.flatMap((archive) => decided.get(archive) ?? []),
    warnings: [...new Set(plans.flatMap(({ warnings }) => warnings))],
    clockInDoubt: plans.some(({ clockInDoubt }) => clockInDoubt),
  }
}

/** Without facts and without a problem, an archive is one of a guest of which nothing is known but its id. */
function originOf({ facts, problem, at, createdAt }: GuardedArchive): Origin | undefined {
  return facts ?? (problem === undefined ? { name: '', createdAt, writtenAt: at ?? createdAt } : undefined)
}

function untrusted<A extends GuardedArchive>(archive: A): GuardedDecision<A> {
  const { problem, protected: isProtected } = archive
  const decision = isProtected ? ('protected' as const) : ('keep' as const)
  return { archive, decision, reason: `kept, outside the count: ${problem}`, guard: 'untrusted' }
}

/** The rules for archives of a guest that stands like this, and what to say of them beside. */
function rulesFor(
  { standing, name }: Pick<GuestOfId<GuardedArchive>, 'standing' | 'name'>,
  gone: boolean,
  policy: Retention,
): { rules: KeepRules; beside: string } {
  const orphans = policy.orphans ?? {}
  if (gone && standing !== 'former') return { rules: orphans, beside: ' (the guest is gone)' }
  if (standing === 'former') return { rules: orphans, beside: ` (of ${formerGuest(name)})` }
  return { rules: standing === 'unclear' ? {} : policy, beside: '' }
}

function guardGuest<A extends GuardedArchive>(
  guest: GuestOfId<A>,
  policy: Retention,
  {
    gone,
    clock,
    confirmed,
    now,
    dryRun,
  }: Pick<Circumstances, 'gone' | 'confirmed' | 'now' | 'dryRun'> & { clock: string | undefined },
): GuardedPlan<A> {
  const { archives, strays, standing, name } = guest
  const decided = new Map<A, GuardedDecision<A>>()
  const warnings: string[] = []
  const warn = (sentence: string) =>
    warnings.push(standing === 'former' ? `Of ${formerGuest(name)}: ${sentence}` : sentence)
  const trusted = archives.filter(({ problem }) => problem === undefined)
  for (const archive of archives) if (archive.problem !== undefined) decided.set(archive, untrusted(archive))
  const { rules, beside } = rulesFor(guest, gone, policy)
  for (const { archive, mark, reason } of planRetention(trusted, rules, policy.timeZone)) {
    decided.set(
      archive,
      standing === 'unclear' && !gone && mark !== 'protected'
        ? { archive, decision: 'keep', reason: UNCLEAR, guard: 'unclear-guest' }
        : { archive, decision: mark, reason: `${reason}${beside}` },
    )
  }
  const going = () => trusted.filter((archive) => decided.get(archive)?.decision === 'remove')
  const keep = (kept: readonly A[], guard: Guard, because: string) => {
    for (const archive of kept) {
      const before = decided.get(archive)?.reason ?? ''
      decided.set(archive, { archive, decision: 'keep', reason: `kept: ${because} (else ${before})`, guard })
    }
  }

  const strange = strangeNewest([...archives, ...strays])
  if (strange !== undefined) {
    warn(`${strange} Nothing is removed until that is cleared up.`)
    keep(going(), 'newest-looks-wrong', 'the newest archive looks wrong')
  }
  const clockInDoubt = clock !== undefined && going().length > 0
  if (clockInDoubt) {
    const because = dryRun === true ? ONCE_CONFIRMED : 'A person confirmed that archives may go all the same.'
    warn(`${clock} ${confirmed ? because : UNTIL_CONFIRMED}`)
    if (!confirmed) keep(going(), 'clock-in-doubt', 'the times of the archives are in doubt')
  }
  const last = writtenLast(trusted, now)
  keep(
    going().filter((archive) => last.includes(archive)),
    'last-written',
    'no archive of this guest was written later',
  )
  const lastVerified = trusted.findLast(({ verified }) => verified) ?? trusted.at(-1)
  keep(
    going().filter((archive) => archive === lastVerified),
    'last-verified',
    lastVerified?.verified === true
      ? 'it is the last verified archive of this guest'
      : 'it is the newest archive of this guest, of which none is verified',
  )
  // A guest whose agent is dead yields a lesser archive every night: they must not push the last good one out.
  const lastAsRequired = trusted.at(-1)?.lesser === true ? trusted.findLast(({ lesser }) => lesser !== true) : undefined
  keep(
    going().filter((archive) => archive === lastAsRequired),
    'last-as-required',
    'every later archive of this guest is less than its job requires',
  )
  const missing = policy.minimumArchives - (trusted.length - going().length)
  // The newest of those that would go.
  if (missing > 0) keep(going().slice(-missing), 'minimum-archives', `minimumArchives is ${policy.minimumArchives}`)
  const share = going().length / Math.max(1, trusted.length)
  if (share > policy.largestShare && confirmed) {
    warn(
      dryRun === true
        ? `${going().length} of ${trusted.length} archives would go at once: more than largestShare (${policy.largestShare}). ${ONCE_CONFIRMED}`
        : `${going().length} of ${trusted.length} archives go at once: more than largestShare (${policy.largestShare}), as confirmed.`,
    )
  } else if (share > policy.largestShare) {
    warn(
      `${going().length} of ${trusted.length} archives would go at once, which is more than largestShare ` +
        `(${policy.largestShare}) allows. None goes until a person confirms it.`,
    )
    // All or none: a few at a time would reach the same end without anyone being asked.
    keep(going(), 'largest-share', 'too many would go at once without confirmation')
  }
  const former = standing === 'former' ? { formerGuest: name } : {}
  return { decisions: [...decided.values()].map((one) => ({ ...one, ...former })), warnings, clockInDoubt }
}

const UNCLEAR = 'kept: it is not known whether it is of the guest that has this id now'
const ONCE_CONFIRMED = 'They go once a person confirms it, and not before.'
const UNTIL_CONFIRMED = 'Nothing is removed until a person confirms it.'

/** What no other archive was written after, by our clock; beside one whose manifest has yet to come, the last before it. */
function writtenLast<A extends GuardedArchive>(archives: readonly A[], now: Circumstances['now']): A[] {
  const written = (archive: A) => Date.parse(originOf(archive)?.writtenAt ?? archive.createdAt)
  const last = (among: readonly A[]) => {
    const latest = among.reduce((most, archive) => Math.max(most, written(archive)), Number.NEGATIVE_INFINITY)
    return among.filter((archive) => written(archive) === latest)
  }
  const past =
    now === undefined ? archives : archives.filter((one) => !isToCome(new Date(written(one)).toISOString(), now))
  return [...last(archives), ...last(past)]
}

/** What is wrong with the newest archive, a sentence; `undefined` when nothing is known against it. */
export function strangeNewest(archives: readonly GuardedArchive[]): string | undefined {
  const newestFirst = archives
    .filter(({ compress }) => compress !== undefined)
    .toSorted((one, other) => olderFirst(other, one))
  const [newest, ...before] = newestFirst
  if (newest === undefined) return undefined
  const name = `The newest archive (${newest.createdAt})`
  if (newest.problem !== undefined) return `${name} looks wrong: ${newest.problem}`
  const comparable = before.filter(({ problem, compress }) => problem === undefined && compress === newest.compress)
  const odd = oddities(newest, comparable).map(({ sentence }) => sentence)
  return odd.length === 0 ? undefined : `${name} looks wrong: ${odd.join(' ')}`
}
