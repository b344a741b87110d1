/**
 * What no retention rule can override: from what the rules would remove to what may be removed. Pure. Each guard keeps;
 * none ever adds to what goes.
 */
import type { Retention } from '../contracts/retention.ts'
import { type ArchiveFigures, oddities } from './archive-figures.ts'
import { type DatedArchive, type Mark, planRetention } from './retention.ts'

/** An archive with what the guards look at. */
export interface GuardedArchive extends DatedArchive, ArchiveFigures {
  /** Names it: whole key of its folder, with a slash at its end. */
  folder: string
  /** Why it can't be trusted, a sentence: no manifest, one that can't be read, files gone, verification failed. */
  problem?: string
  /** It was read back as a whole and found good. */
  verified: boolean
  /** Figures compare only within one way of compressing. Absent where no manifest tells. */
  compress?: string
}

export type Guard = 'untrusted' | 'newest-looks-wrong' | 'last-verified' | 'minimum-archives' | 'largest-share'

export interface GuardedDecision<A extends GuardedArchive> {
  archive: A
  decision: Mark
  reason: string
  /** The guard that keeps it against the rules. */
  guard?: Guard
}

export interface GuardedPlan<A extends GuardedArchive> {
  /** In the order given. */
  decisions: GuardedDecision<A>[]
  /** Sentences for a person: what looks wrong, what waits for a confirmation. */
  warnings: string[]
}

export interface Circumstances {
  /** The guest is gone from its site. */
  gone: boolean
  /** A person said that more than `largestShare` may go. */
  confirmed: boolean
}

/** What may go, after the rules and the guards. Archives that can't be trusted stay, and neither count nor cover. */
export function guardRetention<A extends GuardedArchive>(
  archives: readonly A[],
  policy: Retention,
  { gone, confirmed }: Circumstances,
): GuardedPlan<A> {
  const decided = new Map<A, GuardedDecision<A>>()
  const warnings: string[] = []
  const trusted = archives.filter(({ problem }) => problem === undefined)
  for (const archive of archives) {
    const { problem, protected: isProtected } = archive
    if (problem === undefined) continue
    const decision = isProtected ? ('protected' as const) : ('keep' as const)
    decided.set(archive, { archive, decision, reason: `kept, outside the count: ${problem}`, guard: 'untrusted' })
  }
  const rules = gone ? (policy.orphans ?? {}) : policy
  for (const { archive, mark, reason } of planRetention(trusted, rules, policy.timeZone)) {
    decided.set(archive, { archive, decision: mark, reason: gone ? `${reason} (the guest is gone)` : reason })
  }
  const oldestFirst = trusted.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))
  const going = () => oldestFirst.filter((archive) => decided.get(archive)?.decision === 'remove')
  const keep = (kept: readonly A[], guard: Guard, because: string) => {
    for (const archive of kept) {
      const before = decided.get(archive)?.reason ?? ''
      decided.set(archive, { archive, decision: 'keep', reason: `kept: ${because} (else ${before})`, guard })
    }
  }

  const strange = strangeNewest(archives)
  if (strange !== undefined) {
    warnings.push(`${strange} Nothing is removed until that is cleared up.`)
    keep(going(), 'newest-looks-wrong', 'the newest archive looks wrong')
  }
  const lastVerified = oldestFirst.findLast(({ verified }) => verified) ?? oldestFirst.at(-1)
  keep(
    going().filter((archive) => archive === lastVerified),
    'last-verified',
    'it is the last verified archive of this guest',
  )
  const missing = policy.minimumArchives - (trusted.length - going().length)
  // The newest of those that would go.
  if (missing > 0) keep(going().slice(-missing), 'minimum-archives', `minimumArchives is ${policy.minimumArchives}`)
  const share = going().length / Math.max(1, trusted.length)
  if (share > policy.largestShare && confirmed) {
    warnings.push(
      `${going().length} of ${trusted.length} archives go at once: more than largestShare (${policy.largestShare}), as confirmed.`,
    )
  } else if (share > policy.largestShare) {
    warnings.push(
      `${going().length} of ${trusted.length} archives would go at once, which is more than largestShare ` +
        `(${policy.largestShare}) allows. None goes until a person confirms it.`,
    )
    // All or none: a few at a time would reach the same end without anyone being asked.
    keep(going(), 'largest-share', 'too many would go at once without confirmation')
  }
  return { decisions: archives.flatMap((archive) => decided.get(archive) ?? []), warnings }
}

/** What is wrong with the newest archive, a sentence; `undefined` when nothing is known against it. */
export function strangeNewest(archives: readonly GuardedArchive[]): string | undefined {
  const newestFirst = archives
    .filter(({ compress }) => compress !== undefined)
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
  const [newest, ...before] = newestFirst
  if (newest === undefined) return undefined
  const name = `The newest archive (${newest.createdAt})`
  if (newest.problem !== undefined) return `${name} looks wrong: ${newest.problem}`
  const comparable = before.filter(({ problem, compress }) => problem === undefined && compress === newest.compress)
  const odd = oddities(newest, comparable).map(({ sentence }) => sentence)
  return odd.length === 0 ? undefined : `${name} looks wrong: ${odd.join(' ')}`
}
