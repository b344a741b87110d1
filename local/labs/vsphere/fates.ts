/** What a test lets go wrong with requests to come. Each waits for its method or path, and is gone when it struck often enough. */
import type { VimFault } from './wire/faults.ts'

export type Fate =
  /** A fault instead of the work. */
  | { kind: 'fault'; fault: VimFault }
  /** A status with no more than a page for people. */
  | { kind: 'page'; status: number }
  /** The connection ends before the request is looked at. */
  | { kind: 'dropped' }
  /** Done, and then the connection ends without an answer. */
  | { kind: 'lost' }
  /** Done, and half of the answer's body is sent. */
  | { kind: 'cut' }
  /** Done, and answered when the test lets it. */
  | { kind: 'held'; until: Promise<void> }
  /** Done, and the answer's body is changed. */
  | { kind: 'mangled'; mangle: (body: string) => string }
  /** The whole file in answer to a range. */
  | { kind: 'whole' }
  /** Right bytes under a wrong Content-Range. */
  | { kind: 'wrong range' }

export interface Seen {
  /** A method, or a path that begins with `/`. */
  what: string
  /** As HTTP has it. */
  method: string
  /** 0 where the connection was ended instead. */
  status: number
}

export class Fates {
  #waiting: { what: string; fate: Fate; left: number }[] = []
  readonly seen: Seen[] = []

  on(what: string, fate: Fate, times = 1): void {
    this.#waiting.push({ what, fate, left: times })
  }

  /** `*` means any; a path means all below it. */
  take(what: string): Fate | undefined {
    const first = this.#waiting.find(
      (one) =>
        one.left > 0 &&
        (one.what === '*' || one.what === what || (one.what.startsWith('/') && what.startsWith(one.what))),
    )
    if (first !== undefined) first.left -= 1
    return first?.fate
  }

  clear(): void {
    this.#waiting = []
  }
}
