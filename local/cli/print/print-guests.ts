import { styleText } from 'node:util'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { columns, plain } from './columns.ts'
import { ownTime } from './own-time.ts'
import type { GuestDetails, GuestRecord } from '../../../functions/providers/guest-facts.ts'
import { formatSeconds } from './units.ts'

/** A guest as `guestlift guests` shows it. */
export type ToldGuest = GuestRecord & { details?: GuestDetails }

/** A line a guest, its disks below it where they were asked for, and the notes. */
export function guestLines({ guests, notes }: { guests: readonly ToldGuest[]; notes: readonly string[] }): string[] {
  const bytes = (size: number | undefined) => (size === undefined ? '' : formatBytes(size))
  const [head = '', ...rows] = columns([
    ['ID', 'NAME', 'KIND', 'NODE', 'STATE', 'CPUS', 'MEMORY', 'DISK', 'UP', 'POOL', 'TAGS', ''],
    ...guests.map((guest) => [
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
      plain(guest.tags.join(' ')),
      remarks(guest).join(', '),
    ]),
  ])
  return [
    ...(guests.length === 0 ? [] : [styleText('bold', head)]),
    ...guests.flatMap((guest, index) => [rows[index] ?? '', ...detailLines(guest)]),
    ...notes.map((note) => styleText('dim', `note: ${plain(note)}`)),
    guests.length === 1 ? '1 guest' : `${guests.length} guests`,
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
  const disks = columns(
    details.disks.map(({ key, volume, sizeBytes, included, reason }) => [
      `    ${included ? '+' : '-'} ${key}`,
      sizeBytes === undefined ? '' : formatBytes(sizeBytes),
      plain(volume),
      included ? 'in the backup' : `not in the backup: ${reason}`,
    ]),
  )
  return [
    ...disks,
    ...details.replication.map(({ target, schedule, enabled, lastSyncAt = 'never', error }) =>
      plain(
        `    replication to ${target} (${enabled ? schedule : 'off'}), last at ${lastSyncAt === 'never' ? lastSyncAt : ownTime(lastSyncAt)}${error === undefined ? '' : `: ${error}`}`,
      ),
    ),
    ...(details.description === '' ? [] : [`    ${plain(details.description)}`]),
    ...details.notes.map((note) => styleText('dim', `    note: ${plain(note)}`)),
  ]
}
