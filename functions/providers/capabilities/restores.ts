import type { Guest, GuestIdentity, GuestKind } from '../../contracts/nouns.ts'
import type { ConfigurationComparison, RestoreFinding } from '../../contracts/restore.ts'
import type { FoundGuest, GuestDisk } from '../guest-facts.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import type { DiskImports } from './disk-imports.ts'
import type { JobSummary } from '../job-summary.ts'

/** What is to be brought back. */
export interface ArchiveToRestore {
  /** As it was when it was archived. */
  guest: Pick<Guest, 'id' | 'kind' | 'name'>
  fileName: string
  sizeBytes: number
  /** What the guest's disks held, holes left out, where the backup told. */
  contentBytes?: number
  /** The guest's configuration as the archive holds it, as text. */
  configuration?: string
  /** The platform's version that made it. */
  platformVersion?: string
  /** How people name the archive: noted on the guest that is made of it. */
  origin: string
}

/** Where and as what it comes back. */
export interface RestoreTarget {
  id: string
  node: string
  /** Where its disks go. Without one they go where the archive had them, or where the platform puts them. */
  storage?: string
  pool?: string
  /** Take the place of the guest that has this id, which is lost. */
  replace?: boolean
  /** Give it hardware addresses and a uuid of its own, so that it can run beside the guest that was archived. */
  unique?: boolean
  name?: string
  /** Bridge in the archived configuration → bridge of the target. */
  bridges?: Readonly<Record<string, string>>
  /**
   * It is made to be looked at and removed: neither protected nor started with its node, and unplugged before it starts.
   * The account has to be able to do all of that, and a guest that would use devices or scripts of its node is refused.
   */
  rehearsal?: { runsCommands: boolean }
  /** Start it as soon as it is whole, before anybody has compared it. */
  start?: boolean
  /** A template is to be made of it, once it was compared: `makeTemplate`. */
  template?: boolean
  limitKiBPerSecond?: number
}

export interface IntendedRestore {
  archive: ArchiveToRestore
  target: RestoreTarget
  /** Storage that the archive's file is put on for the restore. */
  deliveryStorage: string
  /** The cluster that the site is known to be, where that is known. */
  clusterId?: string
  /**
   * The guest is to be made of disks that the platform fetches, and not of the archive's file: those that it has fetched, by
   * the keys of the configuration. None yet before there are some.
   */
  imports?: readonly { disk: string; ref: string }[]
}

export interface TargetReport {
  /** In the order in which they were found; none: nothing is known that stands against it. */
  findings: RestoreFinding[]
  /** The guest that has the id now, as far as the account is shown it. */
  present?: FoundGuest
}

/** Restores that this account started, by what their own logs say. */
export interface FoundRestores {
  /** Of this very archive to this very id. Newest first. */
  ours: JobSummary[]
  /** Running ones that don't say yet what they restore: ask again. */
  undecided: JobSummary[]
}

/** How a restore ended, by its task and its log. */
export interface RestoreEnding {
  /** `running`: it hasn't. `unknown`: the platform lost track of it. */
  ending: 'running' | 'ok' | 'warnings' | 'errors' | 'interrupted' | 'unknown'
  /** The platform's words. */
  exitStatus: string
  warnings: string[]
  /** A sentence with what to do, where its words tell. */
  advice?: string
}

/** A guest that a restore made, as it is now. */
export interface MadeGuest {
  guest: Guest
  identity?: GuestIdentity
  /** All values as text. */
  configuration: Readonly<Record<string, string>>
  disks: GuestDisk[]
  /** Where its disks lie, each once. */
  storages: string[]
}

/** How the guest was restored: what it may differ in follows from that. */
export interface RestoredHow {
  kind: GuestKind
  /** With hardware addresses and a uuid of its own. */
  unique?: boolean
  /** The name that it was given. */
  name?: string
  /** Bridge in the archive → bridge now. */
  bridges?: Readonly<Record<string, string>>
  /** Its interfaces were unplugged. */
  disconnected?: boolean
  /** Made to be looked at: neither protected nor started with its node. */
  rehearsal?: boolean
  /** A template is to be made of it, or was made by an earlier call. */
  template?: boolean
  /** It was made of imported disks, and not of the archive's file. */
  imported?: boolean
}

/** A restore that a guest is to be shown to be of, before it is removed. */
export interface RestoreProof {
  jobRef: string
  /** What the restore was started with. */
  token: string
  artifactRef: string
}

/**
 * `removed`: it is gone, perhaps already was. Otherwise: why it was left alone, and how a person removes it. `passing`: it is
 * the restore's own, and what keeps it ends by itself, so that a later try removes it.
 */
export type MadeRemoval = { removed: true } | { removed: false; reason: string; removeWith: string; passing?: true }

/** Where an archive's file is put for the platform to restore from. */
export interface RestorePlace {
  /** On the node, from its root. */
  folder: string
  /** Bears the token, so that no file of anybody else has the name. */
  fileName: string
  /** What the platform will call the file there. */
  artifactRef: string
  /** Its format has a checksum over its content, which the platform compares while it makes a guest of the file. */
  provesItself: boolean
}

/** A platform that brings guests back for us, from an archive's file on one of its storages. */
export interface Restores {
  /** Where the platform also makes guests of disks that it fetches. */
  readonly imports?: DiskImports

  /** Where the archive's file is to be put. Makes nothing. @throws StorageUnusable when the storage keeps no files there */
  placeFor(
    intended: Pick<IntendedRestore, 'archive' | 'deliveryStorage' | 'imports'>,
    token: string,
  ): Promise<RestorePlace>

  /** All that is known to stand against the restore, before anything is delivered or made. Changes nothing. */
  checkTarget(intended: IntendedRestore): Promise<TargetReport>

  /** Privileges that the restore needs and the account lacks; empty when it may do all of it. */
  missingPrivileges(intended: IntendedRestore): Promise<MissingPrivilege[]>

  /**
   * Ask once for a guest to be made of an archive on the delivery storage. Never repeated inside. `check` follows the job.
   * `token` (lower-case letters and digits) is noted on the guest with the archive's origin.
   * @throws RestoreStartUnclear when the answer was lost: `find` tells whether the platform took it
   * @throws GuestIdInUse when the id was taken meanwhile
   */
  create(intended: IntendedRestore, artifactRef: string, token: string): Promise<JobSummary>

  /** Restores of this archive to this id that this account started, running or started at or after `since` by our clock. */
  find(intended: IntendedRestore, artifactRef: string, since: Date): Promise<FoundRestores>

  ending(jobRef: string): Promise<RestoreEnding>

  /** What a restore made, for comparing. @throws GuestNotFound */
  describeMade(target: Pick<RestoreTarget, 'id' | 'node'> & Pick<Guest, 'kind'>): Promise<MadeGuest>

  /** Hold what was made against the configuration in its archive, key by key. Asks nobody. */
  compare(archived: string, made: Pick<MadeGuest, 'configuration'>, how: RestoredHow): ConfigurationComparison

  /** Unplug all its network interfaces, and read the configuration again to prove it. */
  disconnect(guest: Guest): Promise<void>

  /**
   * Make a template of a stopped guest, and see that it is one. A guest that is one already is left as it is.
   * @throws PlatformUnavailable when the order may still be carried out: call again
   * @throws PlatformTaskFailed, RequestRejected when the platform makes none of it
   */
  makeTemplate(guest: Guest): Promise<void>

  /** Whether the agent in the guest answers; `undefined` where the guest's configuration has none. */
  agentAnswers(guest: Guest): Promise<boolean | undefined>

  /** Names of the commands that the site lets a rehearsal run in a guest. */
  readonly commands: readonly string[]

  /**
   * Run one of `commands` in a guest through its agent, and wait for its end, at most `timeoutSeconds`. What it prints is
   * kept from everyone: it may be secret.
   * @returns its exit code; `undefined` where it didn't end in time, or by a signal
   */
  runCommand(guest: Guest, command: string, timeoutSeconds: number): Promise<number | undefined>

  /**
   * Remove a guest that a restore made, half or whole, and wait until it is gone. Only what is proved to be of that
   * restore is touched: its task is this account's and of this archive, and the guest bears its mark or was never whole.
   * One that runs is left alone, unless `stop` says to pull its plug.
   */
  removeMade(guest: Guest, proof: RestoreProof, how?: { stop: boolean }): Promise<MadeRemoval>
}
