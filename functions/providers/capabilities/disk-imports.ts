import type { JobSummary } from '../job-summary.ts'

/** Where a platform keeps fetched files. */
export interface ImportStorage {
  node: string
  storage: string
}

/** A disk that an archive holds. */
export interface ArchivedDisk {
  /** As the guest's configuration calls it. */
  disk: string
  /** As the archive calls it. */
  device: string
  /** What its file is called on the storage. Bears the token of the restore. */
  fileName: string
  /** What the platform calls the file there. */
  ref: string
}

/** How fetching a file ended. */
export interface FetchEnding {
  ending: 'running' | 'fetched' | 'failed'
  /** The platform's words, without what gives access to the file. */
  said: string
  /** Fetching it once more, from a new address, may succeed. */
  again: boolean
  /** A sentence with what to do, where its words tell. */
  advice?: string
}

/** A platform that fetches disks from addresses that it is given, and makes guests of them. */
export interface DiskImports {
  /** The disks that an archive of this configuration holds. Asks nobody. */
  disksIn(configuration: string, place: { storage: string; fileName: string }): ArchivedDisk[]

  /** Storages of a node that take fetched disks, as far as the account is shown them. */
  storagesFor(node: string): Promise<{ storage: string; freeBytes: number }[]>

  /**
   * Ask once for a file to be fetched and compared with its SHA-256. Never repeated inside.
   * @param url whoever has it can read the file; the platform shows it in the log of its task
   * @throws RestoreStartUnclear when the answer was lost: `findFetch` tells whether the platform took it
   */
  fetch(at: ImportStorage, file: { fileName: string; url: string; sha256: string }): Promise<JobSummary>

  /** The newest order to fetch this file, by this account, running or begun at or after `since` by our clock. */
  findFetch(at: ImportStorage, fileName: string, since: Date): Promise<JobSummary | undefined>

  fetchEnding(jobRef: string): Promise<FetchEnding>

  /** The size of a fetched file; `undefined` where there is none. */
  fetchedBytes(at: ImportStorage, ref: string): Promise<number | undefined>

  /**
   * Remove the fetched files whose names begin so, and wait until they are gone; none is fine.
   * @throws StorageUnusable and the platform's errors when one stays
   */
  removeFetched(at: ImportStorage, fileName: string): Promise<void>
}
