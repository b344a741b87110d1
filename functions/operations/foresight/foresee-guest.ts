import type { BackupOptions } from '../../contracts/backup-options.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import type { Requirement } from '../../contracts/grade.ts'
import type { BlockReads } from '../../domain/prices/block-price.ts'
import type { Egress } from '../../domain/prices/egress-price.ts'
import { expectReading } from '../../domain/prices/expected-reading.ts'
import { type ExpectedSize, expectSize } from '../../domain/backup/expected-size.ts'
import { shortfallsOf } from '../../domain/backup/grade.ts'
import type { GuestDetails, GuestRecord, PlannedBackup } from '../../providers/guest-facts.ts'
import type { MissingPrivilege } from '../../providers/intended-work.ts'
import type { PlatformArchive } from '../../providers/capabilities/archives-on-platform.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Obstacle } from './foresee-place.ts'
import type { LastStored } from '../catalogue/last-stored.ts'

/** What would become of a guest that the job means. */
export interface ForeseenGuest extends Partial<Omit<GuestRecord, 'id' | 'missingPrivileges'>> {
  id: string
  fate: 'archive' | 'skip' | 'fail'
  /** A sentence: why it is chosen, or what stands in the way. */
  reason: string
  /** Of one that would be stored, where anything is known: also of an archive that would be less than required. */
  expected?: ExpectedSize
  /** Where the platform bills what is read of its disks. */
  reads?: BlockReads
  /** Where the platform bills what leaves it. */
  egress?: Egress
  details?: GuestDetails
}

interface Sources {
  provider: Provider
  backup: BackupOptions
  require?: Requirement | undefined
  /** Those on the platform's storages, newest first. */
  archives: readonly PlatformArchive[]
  lastStored: ((guest: GuestRecord) => Promise<LastStored | undefined>) | undefined
  /** Grows by what couldn't be read. */
  notes: string[]
}

/**
 * A chosen guest with its fate; for one that would be archived also its disks and how large its archive may be. One whose
 * archive can't be what the job requires, as its configuration shows already, would be stored and count as failed.
 */
export async function foreseeGuest(
  guest: GuestRecord,
  fate: Pick<ForeseenGuest, 'fate' | 'reason'>,
  { provider, backup, require, archives, lastStored, notes }: Sources,
): Promise<ForeseenGuest> {
  const { missingPrivileges: _none, ...known } = guest
  if (fate.fate !== 'archive') return { ...known, ...fate }
  const planned = require === undefined ? undefined : { options: backup, state: guest.state }
  const details = await detailsOf(guest, planned, provider, notes)
  const isIts = ({ guestId, guestKind = guest.kind }: PlatformArchive) =>
    guestId === guest.id && guestKind === guest.kind
  const expected = expectSize({
    onStorage: archives.find(isIts),
    inBucket: await lastStored?.(guest),
    disks: details?.disks ?? [],
  })
  const { unmet } = details?.bestGrade === undefined ? { unmet: [] } : shortfallsOf(details.bestGrade, require)
  const { billedBlockBytes, egress, name: platform } = provider.traits
  const reading = expectReading(expected, details?.disks ?? [])
  return {
    ...known,
    ...fate,
    ...(billedBlockBytes === undefined ? {} : { reads: { blockBytes: billedBlockBytes, ...reading } }),
    ...(egress === undefined ? {} : { egress: { platform, ...egress, ...reading } }),
    ...(unmet.length === 0 ? {} : { fate: 'fail' as const, reason: lessThanRequired(unmet) }),
    ...(expected === undefined ? {} : { expected }),
    ...(details === undefined ? {} : { details }),
  }
}

function lessThanRequired(unmet: readonly string[]): string {
  return `Its archive would be stored and count as failed, since it would be less than the job requires. ${unmet.join(' ')}`
}

/** What the lists of privileges and guests already tell. A lock that is soon gone is waited for, and only noted. */
export function inTheWay(
  site: string,
  guest: GuestRecord,
  lacking: readonly MissingPrivilege[],
  { provider, notes }: { provider: Pick<Provider, 'locks'>; notes: string[] },
): Obstacle | undefined {
  const { id, node, nodeOffline } = guest
  if (lacking.length > 0) return { fate: 'fail', reason: 'The run fails at its start: the account lacks privileges.' }
  if (nodeOffline) return { fate: 'fail', reason: `Site ${site}, guest ${id}: its node ${node} doesn't answer.` }
  const locked = provider.locks?.refusal(guest)
  if (locked === undefined) return undefined
  if (locked.group !== 'retry') return { fate: locked.group === 'skip' ? 'skip' : 'fail', reason: locked.message }
  notes.push(`A run waits some minutes for this. ${locked.message}`)
  return undefined
}

async function detailsOf(
  guest: GuestRecord,
  planned: PlannedBackup | undefined,
  provider: Provider,
  notes: string[],
): Promise<GuestDetails | undefined> {
  try {
    const details = await provider.describeGuest(guest, planned)
    if (!details.disks.some(({ included }) => included)) notes.push(`Guest ${guest.id}: its backup would hold no disk.`)
    return details
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    notes.push(`Its disks aren't known: ${error.message}`)
    return undefined
  }
}
