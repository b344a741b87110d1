/** What a test lets go wrong with calls to come. Each fault waits for its action, and is gone when it struck often enough. */
import type { Refusal, ServiceName } from './errors.ts'

export type Fate =
  /** Too many requests, as the action's service says it. */
  | { kind: 'throttled' }
  | { kind: 'refused'; refusal: Refusal }
  /** A page for people instead of an answer, as from a proxy. */
  | { kind: 'page'; status: number }
  /** The connection ends before the request is looked at. */
  | { kind: 'dropped' }
  /** Done, and then the connection ends without an answer. */
  | { kind: 'lost' }
  /** Done, and half of the answer's body is sent. */
  | { kind: 'cut' }
  /** Done, and answered when the test lets it. */
  | { kind: 'held'; until: () => Promise<void> }

export interface SeenCall {
  service: ServiceName
  action: string
  region: string
  accessKeyId: string
  /** 0 where the connection was ended instead. */
  status: number
}

export class Faults {
  #waiting: { action: string; fate: Fate; left: number }[] = []
  readonly seen: SeenCall[] = []
  /** Blocks whose bytes or whose sum are wrong, by `snapshot or volume/index`. */
  readonly wrongBlocks = new Map<string, { how: 'bytes' | 'sum'; left: number }>()

  on(action: string, fate: Fate, times = 1): void {
    this.#waiting.push({ action, fate, left: times })
  }

  take(action: string): Fate | undefined {
    const first = this.#waiting.find((one) => one.left > 0 && (one.action === action || one.action === '*'))
    if (first !== undefined) first.left -= 1
    return first?.fate
  }

  clear(): void {
    this.#waiting = []
    this.wrongBlocks.clear()
  }
}
