import { isObject, type Json, toJson } from '../json.ts'

/** One event as GetExecutionHistory gives it, with ids, ARNs and times replaced by placeholders. */
export interface RecordedEvent {
  readonly id: number
  readonly previousEventId: number
  readonly type: string
  /** The event's own details, whatever their field is called. */
  readonly details: Readonly<Record<string, unknown>>
}

export interface RecordedCase {
  readonly id: string
  readonly definition: Json
  readonly histories: readonly (readonly RecordedEvent[])[]
}

/** Reads a file of recorded cases (`[{ id, definition, histories }]`). Throws TypeError that says what is wrong where. */
export function parseCases(value: unknown): readonly RecordedCase[] {
  if (!Array.isArray(value)) throw new TypeError('Expected a list of cases: [{ id, definition, histories }]')
  return value.map((entry, index) => {
    if (!isObject(entry) || typeof entry['id'] !== 'string' || !Array.isArray(entry['histories'])) {
      throw new TypeError(`Case ${index} has no id or no histories`)
    }
    const { id } = entry
    const histories = entry['histories'].map((events, number) => parseHistory(events, `${id}, history ${number}`))
    return { id, definition: toJson(entry['definition']), histories }
  })
}

function parseHistory(events: unknown, where: string): readonly RecordedEvent[] {
  if (!Array.isArray(events) || events.length === 0) throw new TypeError(`${where}: expected a list of events`)
  return events.map((event: unknown) => {
    if (!isObject(event) || typeof event['type'] !== 'string') throw new TypeError(`${where}: an event has no type`)
    const details = Object.entries(event).find(([key]) => key.endsWith('EventDetails'))?.[1]
    return {
      id: Number(event['id']),
      previousEventId: Number(event['previousEventId']),
      type: event['type'],
      details: isObject(details) ? details : {},
    }
  })
}

/** Payloads are JSON text in a history; the recordings hold some parsed and some not. */
export function payload(value: unknown): Json {
  if (typeof value !== 'string') return toJson(value)
  try {
    const parsed: Json = JSON.parse(value)
    return parsed
  } catch {
    return value
  }
}

export interface Ending {
  readonly status: string
  readonly output: Json | undefined
  readonly error: unknown
  readonly cause: unknown
}

const STATUSES: Readonly<Record<string, string>> = {
  ExecutionSucceeded: 'SUCCEEDED',
  ExecutionFailed: 'FAILED',
  ExecutionTimedOut: 'TIMED_OUT',
  ExecutionAborted: 'ABORTED',
}

export function recordedEnding(history: readonly RecordedEvent[]): Ending {
  const last = history.findLast((event) => event.type in STATUSES)
  return {
    status: STATUSES[last?.type ?? ''] ?? 'RUNNING',
    output: last?.type === 'ExecutionSucceeded' ? payload(last.details['output']) : undefined,
    error: last?.details['error'],
    cause: last?.details['cause'],
  }
}

/** The event that entered the state in which this event happened. */
export function enteredBefore(history: readonly RecordedEvent[], event: RecordedEvent): RecordedEvent | undefined {
  const byId = new Map(history.map((candidate) => [candidate.id, candidate]))
  for (
    let current = byId.get(event.previousEventId);
    current !== undefined;
    current = byId.get(current.previousEventId)
  ) {
    if (current.type.endsWith('StateEntered')) return current
  }
  return undefined
}
