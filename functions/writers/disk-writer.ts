import type { NewDisk } from '../contracts/restore-record.ts'

/** A disk that a restore fills: block by block, or as one file. */
export interface DiskToFill extends NewDisk {
  /** The restore's own: the same one begins the same disk. Lower-case letters and digits. */
  token: string
}

/** One that was begun. */
export type BegunDisk = DiskToFill & { ref: string }

/** What all blocks that were put come to. */
export interface BlockSums {
  count: number
  /** SHA-256 over the binary SHA-256 of each block, in ascending order. */
  sha256: Buffer
}

/**
 * Fills disks of a platform that takes them block by block, over one set of connections. Any number of these may fill one
 * disk, in different functions and one after another: all calls may be repeated.
 */
export interface DiskWriter {
  readonly blockBytes: number

  /**
   * Begin a disk, or find it begun: token and file name tell.
   * @returns what the platform calls it
   * @throws TargetFull when the account may begin no more; TargetUnwritable, CredentialsRejected, PrivilegeMissing,
   * ConnectionDropped
   */
  begin(disk: DiskToFill): Promise<string>

  /**
   * Put a block, whose SHA-256 the platform compares.
   * @returns that sum
   * @throws TargetUnwritable when the disk is gone; ChecksumMismatch, CredentialsRejected, PrivilegeMissing,
   * ConnectionDropped, the signal's reason
   */
  put(disk: BegunDisk, index: number, block: Buffer, signal?: AbortSignal): Promise<Buffer>

  /**
   * Say that every block was put. The platform compares number and sum. One that was sealed before is left as it is: its
   * state tells what became of it.
   * @throws ChecksumMismatch when it has other blocks; TargetUnwritable, CredentialsRejected, PrivilegeMissing,
   * ConnectionDropped
   */
  seal(disk: BegunDisk, sums: BlockSums): Promise<void>

  /** Indexes of the blocks that a whole disk has, ascending. @throws as `put`, and TargetUnwritable for one that isn't whole */
  blocksOf(disk: BegunDisk): AsyncIterable<number>

  close(): Promise<void>
}

/** Writes disks of a platform that takes each as one file, in one stream from its beginning. */
export interface FileDiskWriter {
  /**
   * See that there is a place for it: asked again, it finds what is there.
   * @returns what the platform calls the file
   * @throws TargetUnwritable, CredentialsRejected, PrivilegeMissing, PlatformUnavailable
   */
  begin(disk: DiskToFill): Promise<string>

  /**
   * CRC-32 of the file as it is read back; `undefined` where none of that size lies there.
   * @throws CredentialsRejected, PrivilegeMissing, ConnectionDropped, the signal's reason
   */
  sumOf(disk: DiskToFill, signal: AbortSignal): Promise<number | undefined>

  /**
   * Write all of it, in the place of what is there.
   * @param content begins anew each time that it is asked for
   * @throws TargetFull, TargetUnwritable, PrivilegeMissing, ConnectionDropped, what `content` throws, the signal's reason
   */
  put(disk: DiskToFill, content: () => AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>

  close(): Promise<void>
}
