import type { AllocationMap } from '../contracts/disk-archive.ts'
import type { SourceIdentity, SourceLocation } from '../contracts/nouns.ts'
import type { RangeSums, SignedPut } from '../contracts/signed-put.ts'

/**
 * Random access to one source file over one route. A reader is for one function call: opened, used by any number of
 * parallel reads, closed.
 */
export interface Reader {
  /** The source as it was when the reader was opened. Asking again costs a round trip, which over distance adds up. */
  readonly opened: SourceIdentity

  /** Size and modification time now, asked anew at each call. */
  stat(): Promise<SourceIdentity>

  /**
   * Fill `target` with the bytes from `positionBytes` on. Returns their CRC-32, unsigned: the reader takes it from each
   * byte as it arrives, while the processor has it at hand.
   * @throws ShortRead when the source ends before `target` is full
   * @throws ConnectionDropped when the connection was cut or was silent for too long
   */
  read(positionBytes: number, target: Buffer, signal?: AbortSignal): Promise<number>

  /** Which blocks of a disk were ever written. Only where the platform says so: without it, all of the source is read. */
  allocation?(signal?: AbortSignal): Promise<AllocationMap>

  /** Requests so far that the platform bills, where it bills what is read. */
  readonly billedReads?: number

  close(): Promise<void>
}

/** A source whose node sends its bytes itself. For one function call, like a reader. */
export interface Pusher {
  readonly opened: SourceIdentity
  stat(): Promise<SourceIdentity>

  /**
   * Have the node read a range, ask `sign` for a URL that takes exactly bytes with these sums, and PUT them there, with
   * a new URL for each further try. Returns the sums once S3 has confirmed them, and how often S3 asked to slow down.
   * Any number may be under way; they beyond what the connection carries wait.
   * @throws ShortRead, SourceUnreadable, SourceChanged (between summing and sending), ConnectionDropped (the node can't
   *   be reached or its command ended), StoreUnavailable, StoreDenied, UploadVanished, ChecksumMismatch (S3's answer to
   *   the node, or none), the signal's reason
   */
  push(
    range: { positionBytes: number; sizeBytes: number },
    sign: (sums: RangeSums) => Promise<SignedPut>,
    signal?: AbortSignal,
  ): Promise<RangeSums & { throttles: number }>

  close(): Promise<void>
}

/** What is known of a place before an archive is there. */
export interface CheckedPlace {
  /** The storage that archives land on. */
  storage?: string
  /** The folder on the node that they land in. */
  folder?: string
  /** A URL of the store, for routes whose nodes send there themselves. */
  storeUrl?: string
  /** The most that each wait may take. */
  withinMilliseconds?: number
}

/** Opens readers of one site's sources. */
export interface Route {
  /** @throws SourceUnreadable for a source of a type that isn't this site's */
  open(location: SourceLocation): Promise<Reader>
  /** Only where the node can send by itself. */
  openPusher?(location: SourceLocation): Promise<Pusher>
  /** Nodes with the same end are one to the route: a file server that serves them all. Host and port, or a URL. */
  endOf(node: string): string
  /**
   * Go all the way to a node's archives without reading one, so that what is wrong is known before hours of dumping:
   * connect, compare keys or certificate, log in, and look at the folder, or ask for a range of a file in it.
   */
  check(node: string, place?: CheckedPlace): Promise<void>
}
