import type { SourceIdentity, SourceLocation } from '../contracts/nouns.ts'

/**
 * Random access to one source file over one route. A reader is for one function call: opened, used by any number of
 * parallel reads, closed.
 */
export interface Reader {
  /** Size and modification time now, asked anew at each call. */
  stat(): Promise<SourceIdentity>

  /**
   * Fill `target` with the bytes from `positionBytes` on.
   * @throws ShortRead when the source ends before `target` is full
   * @throws ConnectionDropped when the connection was cut or was silent for too long
   */
  read(positionBytes: number, target: Buffer, signal?: AbortSignal): Promise<void>

  close(): Promise<void>
}

/**
 * Opens readers over one site's route. `check` connects and authenticates to a node without reading anything, so that
 * a wrong host key or login is known before hours of dumping.
 */
export interface Route {
  open(location: SourceLocation): Promise<Reader>
  check(node: string): Promise<void>
}
