/** One way of getting parts of a source into S3, for the length of one function call. */
export interface PartMover {
  /** Connections that broke and were opened again. */
  readonly drops: number

  /** Ask the source anew. Opening it, before the first part, checks it too. @throws SourceChanged */
  assertUnchanged(signal: AbortSignal): Promise<void>

  /**
   * Move one part; returns when S3 has confirmed it. Lanes run side by side, each one part at a time.
   * `throttles` counts S3's requests to slow down.
   */
  move(
    lane: number,
    partNumber: number,
    range: { positionBytes: number; sizeBytes: number },
    signal: AbortSignal,
  ): Promise<{ throttles: number }>

  close(): Promise<void>
}
