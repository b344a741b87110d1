import type { GuestKind, SiteFileLocation } from '../../contracts/nouns.ts'
import type { KeepRules } from '../../contracts/retention.ts'

/** Which archives; what is left out doesn't narrow them down. */
export interface ArchiveFilter {
  storage?: string
  node?: string
  guestId?: string
}

/** An archive as it lies on a storage of the platform. */
export interface PlatformArchive {
  artifactRef: string
  /** A node through which it can be reached. */
  node: string
  storage: string
  /** Absent for files that were renamed beyond recognition. */
  guestId?: string
  guestKind?: GuestKind
  createdAt: string
  sizeBytes: number
  /** The platform's word: `vma.zst`, `tar.zst`, `pbs-vm`, … */
  format: string
  /** The first line of its notes; empty when it has none. */
  notes: string
  protected: boolean
  encrypted: boolean
  /** Where the platform verifies archives itself: its word, `ok` or `failed`. */
  verification?: string
}

/** A place that didn't answer: what is missing from a list, and why. */
export interface UnreadPlace {
  node: string
  storage?: string
  reason: string
}

export interface ArchiveListing {
  /** Newest first. */
  archives: PlatformArchive[]
  unread: UnreadPlace[]
  /** Archives that are there and that this account may not see. `needs`: what would show them, in the platform's words. */
  hidden: { storage: string; node: string; count: number; needs: string }[]
  /** Why there may be archives that nothing else here tells of; absent when the list is known to be whole. A sentence. */
  mayLack?: string
}

/** What became of an archive that was to be removed. */
export type ArchiveRemoval = 'removed' | 'gone' | 'protected'

/** What people may change about an archive. `notes` is the whole text; empty for none. */
export interface ArchiveMarks {
  notes: string
  protected: boolean
}

/** An archive with what the platform's own pruning would do to it. `renamed`: no standard name, so it is never touched. */
export interface PruneMark {
  artifactRef: string
  node: string
  guestId?: string
  guestKind?: GuestKind
  createdAt: string
  mark: 'keep' | 'remove' | 'protected' | 'renamed'
}

/** A platform that keeps backups itself. */
export interface ArchivesOnPlatform {
  /**
   * Archives on the platform's storages. A place that doesn't answer is named in the result; only when none answers is
   * that an error.
   */
  list(filter: ArchiveFilter): Promise<ArchiveListing>

  /** Where an archive lies as a file that the site's route reads; `undefined` when it is gone. Absent where none does. */
  locate?(artifactRef: string, node: string): Promise<SiteFileLocation | undefined>

  /** Whole notes and protection of an archive; `undefined` when it isn't there. */
  readMarks(artifactRef: string, node: string): Promise<ArchiveMarks | undefined>

  /** Change them, and read them again to prove it. @throws SourceUnreadable when the archive isn't there */
  editMarks(artifactRef: string, node: string, change: Partial<ArchiveMarks>): Promise<ArchiveMarks>

  /** Remove an archive that a person named, and wait until it is gone. */
  remove(artifactRef: string, node: string): Promise<ArchiveRemoval>

  /** What the platform's own pruning would do, changing nothing. Without rules those of the storage count. */
  previewPrune(
    filter: ArchiveFilter & { storage: string },
    rules: KeepRules | undefined,
  ): Promise<{ marks: PruneMark[]; unread: UnreadPlace[] }>
}
