import type { TaskState } from '../definition.ts'
import { Cancelled, evaluationFailure, StateFailure, TaskFailure } from '../errors.ts'
import { unexpectedType } from '../expressions.ts'
import { guarded } from '../guarded.ts'
import { type Json, toJson } from '../json.ts'
import { LIMITS, requirePayloadSize } from '../limits.ts'
import type { Interruption } from '../interruption.ts'
import { START_AND_WAIT } from '../load/resources.ts'
import type { Step, Visit } from '../visit.ts'

export async function task(state: TaskState, visit: Visit): Promise<Step> {
  return guarded(state, visit, async () => {
    const args = state.arguments === undefined ? visit.input : await visit.evaluate(state.arguments)
    requirePayloadSize(args, `The state/task '${state.resource}' was given arguments`)
    const result = await call(state, visit, args, await timeoutOf(state, visit))
    return visit.leave(state, result, state.next, { result })
  })
}

async function timeoutOf(state: TaskState, visit: Visit): Promise<number | undefined> {
  if (state.timeoutSeconds === undefined) return undefined
  const seconds = await visit.evaluate(state.timeoutSeconds)
  if (typeof seconds !== 'number') throw unexpectedType(state.timeoutSeconds, 'number', seconds)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > LIMITS.count) {
    throw evaluationFailure(
      `The TimeoutSeconds field must be an integer between 1 and ${LIMITS.count} but was: ${seconds}`,
      'TimeoutSeconds',
    )
  }
  return seconds
}

/** Calls the handler between the events that AWS records around it. */
async function call(state: TaskState, visit: Visit, args: Json, timeoutSeconds: number | undefined): Promise<Json> {
  const events = eventsOf(state.resource)
  visit.record(`${events.prefix}Scheduled`, { ...events.scheduled(args), timeoutInSeconds: timeoutSeconds })
  visit.record(`${events.prefix}Started`, events.names)
  try {
    const result = toJson(await ending(state, visit, args, timeoutSeconds))
    requirePayloadSize(result, `The state/task '${state.resource}' returned a result`)
    visit.record(`${events.prefix}Succeeded`, { ...events.names, output: result })
    return result
  } catch (error) {
    if (error instanceof Cancelled) throw error
    const failure = failureOf(error)
    // A full history is the execution's failure, not the task's.
    if (failure.terminal) throw failure
    const type = failure.error === 'States.Timeout' && !failure.interrupt ? 'TimedOut' : 'Failed'
    visit.record(`${events.prefix}${type}`, { ...events.names, error: failure.error, cause: failure.failureCause })
    throw failure
  }
}

/** Ends with the handler, the timeout, the graceful stop or the cancellation, whichever comes first; the handler's signal then is aborted. */
async function ending(
  state: TaskState,
  visit: Visit,
  args: Json,
  timeoutSeconds: number | undefined,
): Promise<unknown> {
  const { run, frame } = visit
  frame.signal.throwIfAborted()
  const interrupt = run.interruption.deliver()
  if (interrupt !== undefined) throw interrupt
  const interrupted = run.interruption.signal
  const over = new AbortController()
  // An execution within this one is interrupted by its handler, and cleans up before it ends.
  const isNested = START_AND_WAIT.test(state.resource)
  const cuts: (() => void)[] = []
  const cut = new Promise<never>((_resolve, reject) => {
    const on = (signal: AbortSignal, reason: () => unknown) => {
      const listener = () => reject(reason())
      signal.addEventListener('abort', listener, { once: true })
      cuts.push(() => signal.removeEventListener('abort', listener))
    }
    on(frame.signal, () => frame.signal.reason)
    if (!isNested) on(interrupted, () => run.interruption.deliver() ?? new Cancelled())
    if (timeoutSeconds === undefined) return
    run.world.clock.sleep(timeoutSeconds * 1000, over.signal).then(
      () => reject(new StateFailure('States.Timeout', undefined)),
      () => undefined,
    )
  })
  const context = {
    signal: over.signal,
    interrupted,
    timeoutSeconds,
    stateName: state.name,
    retryCount: visit.retryCount,
    execution: { id: run.arn, name: run.name, startedAt: run.startedAt },
    refuses: run.world.refuses,
  }
  try {
    const work = run.world.clock.during(async () => run.world.tasks(state.resource, args, context), over.signal)
    // The handler may still fail after its end here; nobody waits for that.
    work.catch(() => undefined)
    return await Promise.race([isNested ? unlessInterrupted(work, run.interruption) : work, cut])
  } finally {
    for (const undo of cuts) undo()
    over.abort(new Cancelled())
  }
}

async function unlessInterrupted(work: Promise<unknown>, interruption: Interruption): Promise<unknown> {
  const [ended] = await Promise.allSettled([work])
  // Whatever it ended with.
  const interrupt = interruption.deliver()
  if (interrupt !== undefined) throw interrupt
  if (ended.status === 'rejected') throw ended.reason
  return ended.value
}

function failureOf(error: unknown): StateFailure {
  if (error instanceof StateFailure) return error
  if (error instanceof TaskFailure) return new StateFailure(error.error, error.failureCause)
  if (error instanceof Error) return new StateFailure(error.name, error.message, { terminal: false })
  return new StateFailure('Error', String(error), { terminal: false })
}

function eventsOf(resource: string) {
  const integration = /^arn:aws[a-z-]*:states:[^:]*:[^:]*:(.+):([^:]+)$/.exec(resource)
  if (integration === null) {
    return {
      prefix: 'LambdaFunction',
      names: {},
      scheduled: (args: Json) => ({ resource, input: args }),
    }
  }
  const names = { resourceType: integration[1], resource: integration[2] }
  return {
    prefix: 'Task',
    names,
    scheduled: (args: Json) => ({ ...names, region: 'local', parameters: args }),
  }
}
