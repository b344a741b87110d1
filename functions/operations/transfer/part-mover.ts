export interface MovedPart {
  /** To S3, and of the source. */
  sentBytes: number
  readBytes: number
  /** S3's requests to slow down. */
  throttles: number
}

/** One way of getting parts of a source into S3, for the length of one function call. */
export interface PartMover {
  /** Connections that broke and were opened again. */
  readonly drops: number
  /** Requests for reading that the platform bills, so far; absent where it bills none. */
  readonly billedReads?: number | undefined

  /** Ask the source anew. Opening it, before the first part, checks it too. @throws SourceChanged */
  assertUnchanged(signal: AbortSignal): Promise<void>

  /**
   * Move one part; returns when S3 has confirmed it. Lanes run side by side, each one part at a time.
   */
  move(lane: number, partNumber: number, signal: AbortSignal): Promise<MovedPart>

  close(): Promise<void>
}
