import { styleText } from 'node:util'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { plain, textColumns, withoutEmpty } from './columns.ts'
import { ownTime } from './own-time.ts'
import type { GuestDetails, GuestRecord } from '../../../functions/providers/guest-facts.ts'
import { formatSeconds } from './units.ts'

/** A guest as `guestlift guests` shows it. */
export type ToldGuest = GuestRecord & { details?: GuestDetails }

/** A line a guest, its disks below it where they were asked for, and the notes. */
export function guestLines({ guests, notes }: { guests: readonly ToldGuest[]; notes: readonly string[] }): string[] {
  const [head = [], ...rows] = guestTable(guests)
  return [
    ...(guests.length === 0 ? [] : head.map((line) => styleText('bold', line))),
    ...guests.flatMap((guest, index) => [...(rows[index] ?? []), ...detailLines(guest)]),
    ...notes.map((note) => styleText('dim', `note: ${plain(note)}`)),
    guests.length === 1 ? '1 guest' : `${guests.length} guests`,
  ]
}

const HEAD = ['ID', 'NAME', 'KIND', 'NODE', 'STATE', 'CPUS', 'MEMORY', 'DISK', 'UP', 'POOL', 'TAGS', '']
/** What is missed least: a selection asks for none of these. */
const SPARE = ['UP', 'CPUS', 'MEMORY', 'DISK']

/** The lines of each row, the head first. Columns that say nothing are left out, but for the last one, of the remarks. */
function guestTable(guests: readonly ToldGuest[], tagsBelow = false): string[][] {
  const rows = withoutEmpty([HEAD, ...guests.map((guest) => guestRow(guest, tagsBelow))])
  const names = rows[0] ?? []
  const spare = SPARE.map((name) => names.indexOf(name)).filter((index) => index >= 0)
  const closed = names.includes('') ? rows : rows.map((row) => [...row, ''])
  const lines = textColumns(closed, { cut: names.indexOf('NAME'), spare })
  // A name says more than the place where the tags stand.
  return tagsBelow || !lines.flat().some((line) => line.includes('…')) ? lines : guestTable(guests, true)
}

function guestRow(guest: ToldGuest, tagsBelow: boolean): string[] {
  const bytes = (size: number | undefined) => (size === undefined ? '' : formatBytes(size))
  const tags = plain(guest.tags.join(' '))
  const below = tagsBelow && tags !== '' ? [`tags: ${tags}`] : []
  return [
    guest.id,
    plain(guest.name),
    guest.template === true ? `${guest.kind} template` : guest.kind,
    guest.node,
    guest.state,
    String(guest.cpus ?? ''),
    bytes(guest.memoryBytes),
    bytes(guest.diskBytes),
    guest.uptimeSeconds === undefined || guest.uptimeSeconds === 0 ? '' : formatSeconds(guest.uptimeSeconds),
    plain(guest.pool ?? ''),
    tagsBelow ? '' : tags,
    [...below, ...remarks(guest)].join(', '),
  ]
}

function remarks({ lock, haState, haRequested, replicas, nodeOffline, missingPrivileges }: ToldGuest): string[] {
  return [
    ...(nodeOffline ? ['node offline'] : []),
    ...(lock === undefined ? [] : [`locked (${lock})`]),
    ...(haState === undefined && haRequested === undefined ? [] : [haPhrase(haState, haRequested)]),
    ...(replicas === undefined ? [] : [`replicated to ${replicas.join(', ')}`]),
    ...missingPrivileges.map(({ privilege }) => `lacks ${privilege}`),
  ]
}

function haPhrase(state: string | undefined, requested: string | undefined): string {
  if (state === undefined) return `HA asked for ${requested ?? 'nothing'}`
  return requested === undefined || requested === state ? `HA ${state}` : `HA ${state}, asked for ${requested}`
}

function detailLines({ details }: ToldGuest): string[] {
  if (details === undefined) return []
  const disks = textColumns(
    details.disks.map(({ key, volume, sizeBytes, included, reason }) => [
      `    ${included ? '+' : '-'} ${key}`,
      sizeBytes === undefined ? '' : formatBytes(sizeBytes),
      plain(volume),
      included ? 'in the backup' : `not in the backup: ${reason}`,
    ]),
  )
  return [
    ...disks.flat(),
    ...details.replication.map(({ target, schedule, enabled, lastSyncAt = 'never', error }) =>
      plain(
        `    replication to ${target} (${enabled ? schedule : 'off'}), last at ${lastSyncAt === 'never' ? lastSyncAt : ownTime(lastSyncAt)}${error === undefined ? '' : `: ${error}`}`,
      ),
    ),
    ...(details.description === '' ? [] : [`    ${plain(details.description)}`]),
    ...details.notes.map((note) => styleText('dim', `    note: ${plain(note)}`)),
  ]
}
