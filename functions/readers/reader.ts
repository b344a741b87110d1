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

/**
 * Opens readers over one site's route. `check` connects and authenticates to a node without reading anything, so that
 * a wrong host key or login is known before hours of dumping.
 */
export interface Route {
  open(location: SourceLocation): Promise<Reader>
  /** Only where the node can send by itself. */
  openPusher?(location: SourceLocation): Promise<Pusher>
  check(node: string): Promise<void>
}
