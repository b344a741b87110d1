import type { Guest } from '../../contracts/nouns.ts'
import type { ConfigurationComparison, RestoreFinding } from '../../contracts/restore.ts'
import type { MadeOfDisks, NewDisk } from '../../contracts/restore-record.ts'

/** What disks are made into. */
export type MadeInto = MadeOfDisks['what']

/** Where a guest goes that is made of them, where the request names it. */
export interface GuestPlace {
  datastore?: string | undefined
  folder?: string | undefined
  resourcePool?: string | undefined
  /** With an identity of its own, to run beside the one that was archived. */
  unique: boolean
}

/** What is to be brought back of whole disks. */
export interface IntendedDisks {
  archive: {
    guest: Pick<Guest, 'id' | 'kind' | 'name' | 'node'>
    disks: readonly { fileName: string; sizeBytes: number }[]
    /** `guest.json`: the machine as the platform described it when it was archived. */
    description?: string | undefined
    /** How people name the archive. */
    origin: string
  }
  target: {
    /** As the request names it, or the node of the archive. */
    node: string
    to: MadeInto
    kmsKey?: string | undefined
    name?: string | undefined
    guest: GuestPlace
  }
  /** The restore's own, lower-case letters and digits: marks all that is made. */
  token: string
}

/** With what the platform calls the disks, once they were brought. */
export interface BroughtDisks extends IntendedDisks {
  disks: readonly (NewDisk & { ref: string })[]
  /** Small files that lie in the archive's folder `side`, by their names there. None where they aren't needed. */
  sideFiles: ReadonlyMap<string, Buffer>
}

export interface DiskTargetReport {
  findings: RestoreFinding[]
  /** What each disk becomes. None where a refusal keeps it from being known. */
  disks: NewDisk[]
}

/** How far a platform is with disks that were brought: `failed` and `missing` with words. A list may lag some seconds behind. */
export type DisksState = { state: 'settling' | 'whole' } | { state: 'failed' | 'missing'; said: string }

/** What was made, and whether it can be used. */
export interface MadeMachine {
  ready: boolean
  made: MadeOfDisks[]
}

/**
 * `whole`: all of it was made, though nobody wrote that down; it stays. Otherwise what couldn't be removed: why, and how a
 * person does it.
 */
export interface DiskRemoval {
  whole: boolean
  left: { what: string; removeWith: string }[]
}

/** A platform that takes whole disks, and makes something of them that is run or attached. */
export interface DiskRestores {
  /** All that is known to stand against it, before anything is made, and what the disks become. Changes nothing. */
  checkTarget(intended: IntendedDisks): Promise<DiskTargetReport>

  /** Whether the platform has the disks as they were brought. */
  stateOf(brought: BroughtDisks): Promise<DisksState>

  /**
   * Make an image, volumes or a guest of whole disks; called again, it finds what it made, by the token.
   * @throws PlatformUnavailable where that isn't known yet: call again; RestoreFailed, PrivilegeMissing, RequestRejected
   */
  make(brought: BroughtDisks): Promise<MadeMachine>

  /** Hold what was made against the archived machine, key by key. @throws GuestNotFound when it is gone */
  compare(brought: BroughtDisks, made: readonly MadeOfDisks[]): Promise<ConfigurationComparison>

  /** Remove disks, and half of what was made of them, by the token alone. What is gone is fine. */
  removeMade(disks: readonly NewDisk[], token: string, to: MadeInto): Promise<DiskRemoval>
}
