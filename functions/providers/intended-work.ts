import type { BackupOptions } from '../contracts/backup-options.ts'

export interface MissingPrivilege {
  privilege: string
  path: string
  /** Options of the job that alone need it; absent when every backup does. */
  neededBy?: string
}

/** A pool whose members are meant. */
export interface IntendedPool {
  pool: string
  /** Those of its sub-pools, too. */
  subPools: boolean
}

/** What a run is going to do, as far as privileges depend on it. */
export interface IntendedWork {
  guestIds: readonly string[]
  /** Every guest of the site is meant: those that the account can't see would be missed without a word. */
  everyGuest?: boolean
  /** Pools whose members are meant. */
  pools?: readonly IntendedPool[]
  /** Pools whose members must be known in order to leave them out. */
  excludedPools?: readonly IntendedPool[]
  /** A storage's name, or `auto`. */
  storage: string
  deleteSource: boolean
  /** Some options take privileges of their own. */
  options?: BackupOptions
}
