import { type Clock, realClock } from './clock.ts'
import type { StateMachine } from './definition.ts'
import { DefinitionError } from './errors.ts'
import { type ExecutionResult, ExecutionRun, type World } from './execution-run.ts'
import type { HistoryEvent } from './history.ts'
import { jsonBytes, toJson } from './json.ts'
import { LIMITS } from './limits.ts'
import type { ItemStore, Refuses, TaskHandler } from './ports.ts'
import { runGraph } from './run-graph.ts'

export { type Clock, realClock, VirtualClock } from './clock.ts'
export type { StateMachine } from './definition.ts'
export { DefinitionError, TaskFailure } from './errors.ts'
export type { ExecutionResult, ExecutionStatus } from './execution-run.ts'
export type { HistoryEvent } from './history.ts'
export { type LoadOptions, loadStateMachine } from './load/load.ts'
export type { ExecutionIdentity, ItemStore, TaskContext, TaskHandler } from './ports.ts'

export interface StartOptions {
  readonly tasks: TaskHandler
  /** Needed by distributed Maps with an ItemReader or a ResultWriter. */
  readonly s3?: ItemStore
  /** What the state machine's own role may not do. Everything is allowed by default. */
  readonly refuses?: Refuses
  /** The machine's clock by default. */
  readonly clock?: Clock
  /** Numbers in [0, 1): for jitter, ids, `$random` and `$shuffle`. Math.random by default. */
  readonly random?: () => number
  /** The execution's name: at most 80 characters, none of those AWS forbids (":" among them). */
  readonly name?: string
  /** The state machine's name, for ARNs. */
  readonly machineName?: string
  /** What ARNs and `$states.context` show of the account; made-up values by default. */
  readonly account?: { readonly id: string; readonly region: string; readonly roleArn: string }
  /** ISO instant that `$states.context.Execution.StartTime` shows; the clock's time by default. */
  readonly startedAt?: string
  /** Told of each event of this execution and its distributed children as it happens. What it throws rejects the result. */
  readonly onEvent?: (event: HistoryEvent) => void
  /** Stops the execution when aborted, as `stop` does. */
  readonly signal?: AbortSignal
}

export interface Execution {
  readonly arn: string
  readonly name: string
  /** Resolves when the execution has ended, however it ended. Rejects only for a fault in the interpreter or in `onEvent`. */
  readonly result: Promise<ExecutionResult>
  /** The execution's own events so far; children's go to `onEvent`. */
  readonly history: readonly HistoryEvent[]
  /**
   * Asks the execution to end with its clean-up: a graceful stop for one machine's Ctrl-C. AWS has no such thing.
   *
   * The execution and each running child of a distributed Map are marked, once. In a marked execution Waits end at once, and every Task that
   * runs or is about to run fails at once with this error, without Retry, so that the definition's own Catch handlers run. As soon as a Catch at
   * the top level of that execution takes the error, its mark is removed and the states after it run normally. Inside Map and Parallel
   * the error propagates as any other, except that siblings end by themselves instead of being cut. A distributed Map waits for its running children, starts
   * no other (those count as failed), and the parent's states after it run normally.
   */
  interrupt(error: string, cause: string): void
  /** StopExecution: ends everything at once; the result's status is ABORTED, with error and cause if given. */
  stop(error?: string, cause?: string): void
}

const NO_ACCOUNT = { id: '000000000000', region: 'local', roleArn: 'arn:aws:iam::000000000000:role/local' }

const FORBIDDEN_IN_NAMES = /[\s?*<>{}[\]"#%\\^|~`$&,;:/\p{Cc}]/u

/** Starts an execution. Throws RangeError for an input over 256 KiB or a name that AWS refuses. */
export function startExecution(machine: StateMachine, input: unknown, options: StartOptions): Execution {
  const value = toJson(input)
  if (jsonBytes(value) > LIMITS.payloadBytes) {
    throw new RangeError(
      `The execution's input has ${jsonBytes(value)} bytes; Step Functions allows ${LIMITS.payloadBytes}`,
    )
  }
  const name = options.name ?? 'local-run'
  const machineName = options.machineName ?? 'local'
  const account = options.account ?? NO_ACCOUNT
  for (const candidate of [name, machineName]) requireName(candidate)
  const world: World = {
    clock: options.clock ?? realClock(),
    random: options.random ?? Math.random,
    tasks: options.tasks,
    store: options.s3,
    refuses: options.refuses,
    onEvent: options.onEvent,
    machineArn: `arn:aws:states:${account.region}:${account.id}:stateMachine:${machineName}`,
    roleArn: account.roleArn,
    machineName,
    ids: countUp(),
    runGraph,
  }
  const run = new ExecutionRun(world, machine.graph, value, {
    name,
    timeoutSeconds: machine.timeoutSeconds,
    startedAt: options.startedAt,
  })
  const stop = (error?: string, cause?: string): void => {
    run.stop({
      status: 'ABORTED',
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    })
  }
  const stopBySignal = () => stop()
  options.signal?.addEventListener('abort', stopBySignal, { once: true })
  if (options.signal?.aborted) stop()
  const result = run.run().finally(() => options.signal?.removeEventListener('abort', stopBySignal))
  return {
    arn: run.arn,
    name,
    result,
    history: run.history.events,
    interrupt: (error, cause) => run.interrupt(error, cause),
    stop,
  }
}

function* countUp(): Generator<number, never> {
  for (let count = 0; ; count++) yield count
}

function requireName(name: string): void {
  if (name.length === 0 || name.length > LIMITS.nameLength || FORBIDDEN_IN_NAMES.test(name)) {
    throw new RangeError(
      `'${name}' can't be the name of an execution or a state machine: 1 to ${LIMITS.nameLength} characters, no white space, none of ? * < > { } [ ] " # % \\ ^ | ~ \` $ & , ; : /`,
    )
  }
}

/** True for the error that `loadStateMachine` throws. */
export function isDefinitionError(error: unknown): error is DefinitionError {
  return error instanceof DefinitionError
}
