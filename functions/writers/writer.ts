import type { SignedGet } from '../contracts/signed-get.ts'

/** Where one file is to be brought. */
export interface Target {
  node: string
  /** The folder on the node, from its root, as the platform sees it. It has to be there. */
  folder: string
  /** The file's name in the folder. */
  name: string
  /** The restore's own: part of the temporary name, so that no two restores share a file. Letters and digits. */
  token: string
  sizeBytes: number
  /**
   * The file's format has a checksum over its content, which the platform compares as it reads the file; a wrong byte ends
   * that, and costs nothing but the time. Then a way that would bring every byte back over the line may leave it out.
   */
  provesItself?: boolean
}

/** A piece of the file, and the CRC-32 that its bytes have to have, where it is known: unsigned. */
export interface Range {
  positionBytes: number
  sizeBytes: number
  crc32?: number
}

/** A piece of the file whose CRC-32 is known: from a list of parts, or learned when it was brought. */
export interface FileRange extends Range {
  crc32: number
}

/** Where the bytes of a range come from. A way over which they pass reads them; a node that fetches them gets a URL. */
export interface RangeSource {
  /** The bytes, held in memory until the next are read. */
  read(range: Range, signal?: AbortSignal): Promise<Buffer>
  /** Allow the node to read the range once or more, soon. */
  sign(range: Range): Promise<SignedGet>
}

/**
 * Brings one file to one place on a node. For one function call: opened, used by any number of parallel calls, closed.
 * Any number of writers of one restore may work on the same file, in different functions and one after another.
 *
 * The file grows under a temporary name. What was there before is believed only by a CRC-32 over bytes that were read on
 * the target, never by a size; what is brought, too, but for a file that proves itself. A range that was proved once is a
 * fact that may be kept, such as in a record, as long as the temporary file lives: when `found` is `undefined`, there is
 * none, and nothing that was proved before counts.
 * After `ConnectionDropped` nothing is known of what was asked; asking for the same again is safe for every method.
 */
export interface Writer {
  /** The temporary file as it was when the writer was opened. */
  readonly found: { sizeBytes: number } | undefined

  /** Does the range lie there right? Its bytes are read on the target. False where they are missing or others. */
  holds(range: FileRange, signal?: AbortSignal): Promise<boolean>

  /**
   * Bring a range, and read it back on the target. Returns once the bytes there have the CRC-32 of those that the store
   * gave, with that sum and how often the store asked to slow down. Of a file that proves itself it may return once the
   * target's disk has taken what was sent. Whether a learned sum is the archive's, only the sum
   * over all ranges says: `finish` compares it.
   * @throws ChecksumMismatch when other bytes lie on the target than the store gave, each time, or when what it gave
   * hasn't the range's CRC-32
   * @throws TargetFull, TargetUnwritable, ConnectionDropped, the signal's reason, and what `source` throws
   * @throws ArchiveConflict (the object was replaced), ObjectFrozen, StoreUnavailable, StoreDenied
   */
  bring(range: Range, source: RangeSource, signal?: AbortSignal): Promise<{ throttles: number; crc32: number }>

  /**
   * Give the file its name, for good: once the ranges, each brought to its end, make the whole; its size is right; and
   * the disk has it. A file that has the name is read whole, range by range: the same bytes are success.
   *
   * `made` says whether this call gave the name. Otherwise a call whose answer was lost did it, or the file was there
   * before: what wasn't made by the restore isn't its to remove.
   * @param ranges all of the file's, in order, each brought by this writer or by one before it
   * @throws ChecksumMismatch when the ranges don't make the whole, or the size is another
   * @throws TargetTaken when a file with other bytes has the name, which is left as it is
   * @throws TargetFull, TargetUnwritable, ConnectionDropped, the signal's reason
   */
  finish(whole: { crc32: number }, ranges: readonly FileRange[], signal?: AbortSignal): Promise<{ made: boolean }>

  /** Remove the temporary file; one that is gone is fine. A file that has its name already stays. */
  discard(): Promise<void>

  close(): Promise<void>
}

/** Opens writers to the nodes of one site. */
export interface Delivery {
  /**
   * @throws TargetUnwritable when the folder can't be entered or the names can't be used
   * @throws TargetFull when the file doesn't fit, as far as the way can tell: nothing was written
   * @throws TargetTaken when something that is no regular file has one of the names
   * @throws HostKeyMismatch, RouteLoginRejected, InvalidSite, ConnectionDropped
   */
  open(target: Target): Promise<Writer>

  /** Go all the way into a folder without writing. Tells the room that is free for the account, where the way can. */
  check(node: string, folder: string): Promise<{ freeBytes?: number }>

  /**
   * Remove what a restore brought: the file by its temporary name and by its own, which has to bear the token, so that it
   * can't be anybody else's. What is gone is fine, and so is a disk without room.
   * @throws TargetUnwritable for a name without the token; HostKeyMismatch, RouteLoginRejected, ConnectionDropped
   */
  remove(target: Omit<Target, 'sizeBytes'>): Promise<void>

  /** Nodes with the same end are one to the delivery: host and port. */
  endOf(node: string): string
}
