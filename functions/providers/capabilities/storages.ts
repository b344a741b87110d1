import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { Guest } from '../../contracts/nouns.ts'

/** A storage as one node sees it. */
export interface StorageRecord {
  storage: string
  node: string
  /** The platform's word: `dir`, `nfs`, … */
  type: string
  /** What it may hold, in the platform's words. */
  content: string[]
  takesBackups: boolean
  /** Whether backups on it are files, which a route can read; absent for a type that nobody here knows. */
  backupsAreFiles?: boolean
  enabled: boolean
  /** The node can use it at this moment. */
  active: boolean
  shared: boolean
  totalBytes: number
  freeBytes: number
}

/** A platform whose backups land on named storages. */
export interface Storages {
  /** What an account needs on a storage to put backups there and see them, in the platform's words. For messages. */
  readonly privileges: string

  /** A storage as a node sees it; `undefined` when the node has none of that name, or the account may not see it. */
  describe(storage: string, node: string): Promise<StorageRecord | undefined>

  /**
   * Storages of a node on which this account may put a backup with these options, as the node sees them now; those
   * whose backups are no files are among them.
   */
  forBackups(node: string, options: BackupOptions): Promise<StorageRecord[]>

  /**
   * Why a retention of the storage's own would keep the platform from one more backup of the guest, with the ways out;
   * `undefined` when nothing is known that would. `options.storage` is the storage's name.
   */
  refusalByRetention(guest: Guest, options: BackupOptions): Promise<string | undefined>

  /**
   * The folder on a node in which a storage keeps archives as files; `undefined` where this account isn't told. Asked for
   * before there is an archive whose path would tell.
   */
  folderOf(storage: string): Promise<string | undefined>
}
