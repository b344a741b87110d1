import type { Clock } from '../clock.ts'
import { TaskFailure } from '../errors.ts'
import type { Json } from '../json.ts'
import type { TaskHandler } from '../ports.ts'
import { agrees } from './comparison.ts'
import { enteredBefore, payload, type RecordedEvent } from './recording.ts'

interface RecordedCall {
  readonly args: Json | undefined
  readonly end: RecordedEvent
}

const ENDED = /^(Task|LambdaFunction|Activity)(Succeeded|Failed|TimedOut|SubmitFailed|StartFailed|ScheduleFailed)$/

/** A task handler that answers with what a history recorded, attempt by attempt, and fails when a Task is called more often than it was. */
export function recordedTasks(history: readonly RecordedEvent[], clock: Clock): TaskHandler {
  const calls = new Map<string, RecordedCall[]>()
  for (const event of history) {
    if (!ENDED.test(event.type)) continue
    const state = String(enteredBefore(history, event)?.details['name'])
    const call = { args: argumentsOf(history, event), end: event }
    calls.set(state, [...(calls.get(state) ?? []), call])
  }
  return async (_resource, args, context) => {
    const left = calls.get(context.stateName) ?? []
    // Iterations call the same state side by side: the arguments tell whose answer is whose.
    const same = left.findIndex((call) => call.args !== undefined && agrees(call.args, args))
    const [call] = left.splice(Math.max(0, same), 1)
    if (call === undefined)
      throw new TaskFailure('NotRecorded', `The recording has no further call of '${context.stateName}'`)
    const { type, details } = call.end
    if (type.endsWith('Succeeded')) return payload(details['output'])
    if (type.endsWith('TimedOut') && context.timeoutSeconds !== undefined) {
      await clock.sleep((context.timeoutSeconds + 1) * 1000, context.signal)
    }
    const cause = details['cause']
    throw new TaskFailure(
      typeof details['error'] === 'string' ? details['error'] : '',
      typeof cause === 'string' || cause === undefined ? (cause ?? '') : JSON.stringify(cause),
    )
  }
}

function argumentsOf(history: readonly RecordedEvent[], end: RecordedEvent): Json | undefined {
  const byId = new Map(history.map((event) => [event.id, event]))
  for (let event = byId.get(end.previousEventId); event !== undefined; event = byId.get(event.previousEventId)) {
    if (event.type.endsWith('Scheduled')) return payload(event.details['parameters'] ?? event.details['input'])
    if (event.type.endsWith('StateEntered')) return undefined
  }
  return undefined
}
