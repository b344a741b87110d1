/** What a platform can do, as data: `guestlift platforms` shows it, and the core decides by it. */
import type { GuestKind } from '../contracts/nouns.ts'

export interface PlatformTraits {
  /** As people call it: `Proxmox VE`. */
  name: string
  guestKinds: readonly GuestKind[]
  /** `copy`: functions read the bytes and send them. `native`: the platform writes into the archive bucket itself. */
  flow: 'copy' | 'native'
  /** Sources are files on the site's nodes, read over the site's route. */
  route: boolean
  /**
   * What a backup makes on the platform. `copy`: a backup with a worth of its own, which a job may leave there.
   * `temporary`: something that only serves the transfer, as a snapshot, and is removed on every ending.
   */
  makes: 'copy' | 'temporary'
  /** What backups wait for, one at a time for each. Absent where nothing is waited for. */
  turns?: 'node' | 'datastore'
  /** Disks are read in blocks of so many bytes; each is a request that the platform bills, beside its snapshot. */
  billedBlockBytes?: number
  /** What leaves the platform is billed by the decimal GB: its list price, and when it was noted. */
  egress?: { dollarsPerGB: number; asOf: string }
  /** File names of archives end in one of these. */
  formats: readonly string[]
  /** Backs up running guests. */
  liveBackup: boolean
  /** What compresses an archive: the platform, Guestlift, or nothing. */
  compression: readonly string[]
  /** Backups go through a snapshot of the disks. */
  snapshots: boolean
  /** The archive is copied while it is made. */
  streaming: boolean
  /** Only what changed since an earlier backup is read. */
  incremental: boolean
  /** The provider can bring guests back, for the workflow that restores. */
  restore: boolean
  /** Says through its API how a site is set up beside its guests. */
  siteConfiguration: boolean
  /** One site has several nodes. */
  multiNode: boolean
  /** What Guestlift talks to. */
  api: string
}
