/** Which backups a retention keeps: the rules of pve-storage's prune_mark_backup_group, in the node's local time. */
import { localTime } from './node-time.ts'

export type Mark = 'keep' | 'remove' | 'protected' | 'renamed'

export interface Prunable {
  subtype: string
  vmid?: number
  ctime: number
  protected: boolean
  standardName: boolean
}

export type Marked<T extends Prunable> = T & { mark: Mark }

/** Monday is the first day; the week belongs to the year of its Thursday (ISO 8601). */
function isoWeek(year: number, month: number, day: number): string {
  const date = new Date(Date.UTC(year, month - 1, day))
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7))
  const start = Date.UTC(date.getUTCFullYear(), 0, 1)
  return `${date.getUTCFullYear()}/${Math.ceil(((date.getTime() - start) / 86_400_000 + 1) / 7)}`
}

/** Rules in the order they are applied; each names the period that a backup falls into. */
const PERIODS: [string, (ctime: number, zone: string) => string][] = [
  ['keep-last', (ctime) => String(ctime)],
  ['keep-hourly', (ctime, zone) => period(ctime, zone, 4)],
  ['keep-daily', (ctime, zone) => period(ctime, zone, 3)],
  [
    'keep-weekly',
    (ctime, zone) => {
      const at = localTime(ctime, zone)
      return isoWeek(at.year, at.month, at.day)
    },
  ],
  ['keep-monthly', (ctime, zone) => period(ctime, zone, 2)],
  ['keep-yearly', (ctime, zone) => period(ctime, zone, 1)],
]

function period(ctime: number, zone: string, parts: number): string {
  const at = localTime(ctime, zone)
  return [at.year, at.month, at.day, at.hour].slice(0, parts).join('/')
}

type Slot = { ctime: number; mark: Mark | undefined }

function select(group: Slot[], amount: number, idOf: (ctime: number) => string): void {
  const already = new Set(group.filter((slot) => slot.mark === 'keep').map((slot) => idOf(slot.ctime)))
  const included = new Set<string>()
  for (const slot of group) {
    const id = idOf(slot.ctime)
    if (slot.mark !== undefined || already.has(id)) continue
    if (included.has(id)) slot.mark = 'remove'
    else {
      if (included.size >= amount) return
      included.add(id)
      slot.mark = 'keep'
    }
  }
}

/** Each backup with its mark, in the order given. */
export function markBackups<T extends Prunable>(
  backups: readonly T[],
  retention: Record<string, number>,
  zone: string,
): Marked<T>[] {
  const slots = backups.map(
    (backup) =>
      ({
        backup,
        ctime: backup.ctime,
        mark: backup.protected ? 'protected' : backup.standardName ? undefined : 'renamed',
      }) satisfies { backup: T; ctime: number; mark: Mark | undefined },
  )
  const groups = new Map<string, Slot[]>()
  for (const slot of slots as (Slot & { backup: T })[]) {
    if (!slot.backup.standardName) continue
    const key = `${slot.backup.subtype}/${slot.backup.vmid}`
    groups.set(key, [...(groups.get(key) ?? []), slot])
  }
  const rules = PERIODS.filter(([name]) => (retention[name] ?? 0) > 0)
  const keepAll = retention['keep-all'] === 1 || rules.length === 0
  for (const group of groups.values()) {
    group.sort((a, b) => b.ctime - a.ctime)
    for (const [name, idOf] of keepAll ? [] : rules) {
      select(group, retention[name] ?? 0, (ctime) => idOf(ctime, zone))
    }
    for (const slot of group) slot.mark ??= keepAll ? 'keep' : 'remove'
  }
  return slots.map(({ backup, mark }) => ({ ...backup, mark: mark ?? 'keep' }))
}
