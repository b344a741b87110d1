/**
 * Which archives of one guest stay, decision for decision as Proxmox VE decides (pve-storage, prune_mark_backup_group).
 * Pure; the limits that rules can't override are `retention-guards.ts`.
 */
import type { KeepRules } from '../../contracts/retention.ts'
import type { Dated } from '../time/archive-time.ts'
import { dayOf, hourOf, type LocalTime, localTime, monthOf, weekOf, yearOf } from './periods.ts'

/** An archive as the rules see it: kept and ordered by the time that can be trusted. */
export interface DatedArchive extends Dated {
  protected: boolean
}

export type Mark = 'keep' | 'remove' | 'protected'

export interface Marked<A extends DatedArchive> {
  archive: A
  mark: Mark
  /** A sentence's end: `kept: keep-daily 2026-01-04`, `removed: …`, `protected: …`. */
  reason: string
}

/** Also the order in which they are applied: an archive that an earlier rule keeps costs a later one nothing. */
const periodRules = [
  ['keep-hourly', hourOf],
  ['keep-daily', dayOf],
  ['keep-weekly', weekOf],
  ['keep-monthly', monthOf],
  ['keep-yearly', yearOf],
] as const satisfies readonly (readonly [keyof KeepRules, (at: LocalTime) => string])[]

interface Slot {
  instant: string
  at: LocalTime
  mark: Mark | undefined
  reason: string
}

/**
 * Mark each archive, in the order given. Protected archives neither count nor cover a period; without a positive count
 * all stay; of archives with equal times the first given counts as the newest.
 * @throws RangeError for an unknown time zone
 */
export function planRetention<A extends DatedArchive>(
  archives: readonly A[],
  rules: KeepRules,
  timeZone: string,
): Marked<A>[] {
  const slots = archives.map((archive) => ({ archive, ...slotOf(archive, timeZone) }))
  const newestFirst = [...slots].sort((a, b) => Date.parse(b.instant) - Date.parse(a.instant))
  const last = rules['keep-last'] ?? 0
  const periods = periodRules.filter(([name]) => (rules[name] ?? 0) > 0)
  const unlimited =
    rules['keep-all'] === true ? 'keep-all' : last > 0 || periods.length > 0 ? undefined : 'no rule has a count'

  if (unlimited === undefined) {
    if (last > 0) select(newestFirst, 'keep-last', last, ({ instant }) => String(Date.parse(instant)), instantOf)
    for (const [name, periodOf] of periods) {
      const period = ({ at }: Slot) => periodOf(at)
      select(newestFirst, name, rules[name] ?? 0, period, period)
    }
  }
  return slots.map(({ archive, mark, reason }) => {
    if (mark !== undefined) return { archive, mark, reason }
    return unlimited === undefined
      ? { archive, mark: 'remove', reason: 'removed: no rule keeps it' }
      : { archive, mark: 'keep', reason: `kept: ${unlimited}` }
  })
}

const instantOf = ({ instant }: Slot) => instant

function slotOf({ createdAt, at: instant = createdAt, protected: isProtected }: DatedArchive, timeZone: string): Slot {
  const at = localTime(instant, timeZone)
  return isProtected
    ? { instant, at, mark: 'protected', reason: 'protected: outside the count' }
    : { instant, at, mark: undefined, reason: '' }
}

/**
 * One rule: the newest archive of each of the first `count` periods stays, and periods that an earlier rule covers are
 * passed over. The walk ends at the first period too many; older archives are left to later rules. An older archive of
 * a period that this rule has just covered goes for good, whatever a later rule would say.
 */
function select(
  newestFirst: readonly Slot[],
  name: string,
  count: number,
  periodOf: (slot: Slot) => string,
  labelOf: (slot: Slot) => string,
): void {
  const covered = new Set(newestFirst.filter(({ mark }) => mark === 'keep').map(periodOf))
  const chosen = new Set<string>()
  for (const slot of newestFirst) {
    const period = periodOf(slot)
    if (slot.mark !== undefined || covered.has(period)) continue
    if (chosen.has(period)) {
      slot.mark = 'remove'
      slot.reason = `removed: ${name} keeps another of ${labelOf(slot)}`
      continue
    }
    if (chosen.size >= count) return
    chosen.add(period)
    slot.mark = 'keep'
    slot.reason = `kept: ${name} ${labelOf(slot)}`
  }
}
