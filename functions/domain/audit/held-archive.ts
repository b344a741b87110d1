/** What an audit keeps of an archive while it reads. */
import type { AuditArchive } from '../../contracts/audit.ts'
import type { GuestIdentity, GuestKind } from '../../contracts/nouns.ts'
import type { ArchiveFiles } from '../catalogue/catalogue.ts'

/** Whose record it is, as far as the record tells. */
export interface Trace {
  name: string
  identity?: GuestIdentity | undefined
}

export interface AuditedGuest {
  site: string
  kind: GuestKind
  id: string
}

export interface HeldArchive extends AuditArchive {
  guest: AuditedGuest
  trace?: Trace
  /** Something of it is in the bucket, be it broken. */
  listed?: true
  /** A pruning after the period removed it. */
  prunedLater?: true
}

export function guestKeyOf({ site, kind, id }: AuditedGuest): string {
  return `${site}/${kind}-${id}`
}

export function newArchive({ site, guest, folder, keyedAt }: Omit<ArchiveFiles, 'files'>): HeldArchive {
  return {
    guest: { site, kind: guest.kind, id: guest.id },
    folder,
    at: keyedAt,
    readings: [],
    rehearsals: [],
    there: false,
  }
}

/** A record that knows the identity says more than one that knows a name. */
export function traced(archive: HeldArchive, { name, identity }: Trace): void {
  const known = archive.trace
  if (known?.identity !== undefined && identity === undefined) return
  archive.trace = { name: name === '' ? (known?.name ?? '') : name, ...(identity === undefined ? {} : { identity }) }
}

/** What holds an archive. */
export interface ArchiveLock {
  legalHold: boolean
  retainUntil?: string
}
