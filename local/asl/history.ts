import { StateFailure } from './errors.ts'
import type { Json } from './json.ts'
import { LIMITS } from './limits.ts'

/**
 * One event of an execution's history. `type`, numbering and order are AWS's; the details are flat and hold JSON values instead of
 * JSON text: `name` (of the state), `input`, `output`, `error`, `cause`, `resource`, `parameters`, `index`, `length`, `assignedVariables`, …
 */
export interface HistoryEvent {
  /** ARN of the execution; children of a distributed Map have their own. */
  readonly execution: string
  readonly id: number
  readonly previousEventId: number
  readonly type: string
  /** ISO instant, by the execution's clock. */
  readonly timestamp: string
  readonly details: Readonly<Record<string, Json>>
}

export type EventDetails = Readonly<Record<string, Json | undefined>>

/** Where a line of states has got to: its latest event, to which the next one points back. */
export interface Thread {
  last: number
}

const ENDINGS = new Set(['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut'])

export class History {
  readonly events: HistoryEvent[] = []
  readonly #execution: string
  readonly #now: () => number
  readonly #listener: ((event: HistoryEvent) => void) | undefined

  constructor(execution: string, now: () => number, listener: ((event: HistoryEvent) => void) | undefined) {
    this.#execution = execution
    this.#now = now
    this.#listener = listener
  }

  /** Records an event after `previousEventId` and returns its id. Throws the terminal failure when the history is full. */
  record(type: string, previousEventId: number, details: EventDetails = {}): number {
    if (this.events.length >= LIMITS.historyEvents - 1 && !ENDINGS.has(type)) {
      throw new StateFailure(
        'States.Runtime',
        `The execution reached the maximum number of history events (${LIMITS.historyEvents}).`,
        { terminal: true },
      )
    }
    const known: Record<string, Json> = {}
    for (const [key, value] of Object.entries(details)) if (value !== undefined) known[key] = value
    const event: HistoryEvent = {
      execution: this.#execution,
      id: this.events.length + 1,
      previousEventId,
      type,
      timestamp: new Date(this.#now()).toISOString(),
      details: known,
    }
    this.events.push(event)
    this.#listener?.(event)
    return event.id
  }

  /** Records the next event of a line of states. */
  append(thread: Thread, type: string, details: EventDetails = {}): number {
    thread.last = this.record(type, thread.last, details)
    return thread.last
  }
}
