/** Exact reads over some content, forwards. */
export interface ContentCursor {
  /** Bytes taken or skipped so far. */
  readonly offset: number
  /** The next bytes; fewer only at the end. The result is a view: use it before the next call. */
  take(bytes: number): Promise<Buffer>
  /** Pass over bytes. Returns how many there were: fewer only at the end. */
  skip(bytes: number): Promise<number>
}
