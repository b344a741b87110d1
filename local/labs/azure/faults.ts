/** What a test lets go wrong with calls to come. Each fault waits for its call, and is gone when it struck often enough. */
import type { Refusal, Service } from './errors.ts'

export type Fate =
  | { kind: 'refused'; refusal: Refusal }
  /** A page for people instead of an answer, as from a proxy. */
  | { kind: 'page'; status: number }
  /** The connection ends before the request is looked at. */
  | { kind: 'dropped' }
  /** Done, and then the connection ends without an answer. */
  | { kind: 'lost' }
  /** Done; half of the answer's body is sent, and the connection ends. */
  | { kind: 'cut' }
  /** Done; half of the answer's body is sent as if it were all of it. */
  | { kind: 'truncated' }
  /** Done; 200 and the whole of a blob where a range was asked for. */
  | { kind: 'whole' }
  /** Done; the right sum, and one byte of the body is another. */
  | { kind: 'corrupt' }
  /** Done, and answered when the test lets it. */
  | { kind: 'held'; until: () => Promise<void> }
  /** Something happens before the call is looked at. */
  | { kind: 'first'; act: () => void }

/** A request as it came, without what is secret in it. */
export interface SeenCall {
  service: Service
  /** As `restorePoints.createOrUpdate`, `token`, `blob.read`; `unknown` for what the lab doesn't have. */
  call: string
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  json?: unknown
  form?: Record<string, string>
  /** Of a body that is neither. */
  bytes?: number
  /** 0 where the connection was ended instead. */
  status: number
}

export class Faults {
  #waiting: { call: string; fate: Fate; left: number }[] = []
  readonly seen: SeenCall[] = []

  on(call: string, fate: Fate, times = 1): void {
    this.#waiting.push({ call, fate, left: times })
  }

  take(call: string): Fate | undefined {
    const first = this.#waiting.find((one) => one.left > 0 && (one.call === call || one.call === '*'))
    if (first !== undefined) first.left -= 1
    return first?.fate
  }

  clear(): void {
    this.#waiting = []
  }
}
