import type { Surroundings } from './aws-functions.ts'
import { uuid } from './aws-functions.ts'
import type { Clock } from './clock.ts'
import type { Graph } from './definition.ts'
import { Cancelled, StateFailure } from './errors.ts'
import { History, type HistoryEvent, type Thread } from './history.ts'
import { Interruption } from './interruption.ts'
import type { Json } from './json.ts'
import type { ItemStore, Refuses, TaskHandler } from './ports.ts'
import { Variables } from './variables.ts'

export type ExecutionStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'

export interface ExecutionResult {
  readonly status: ExecutionStatus
  readonly output?: Json
  readonly error?: string
  readonly cause?: string
}

/** What all executions of one start share. */
export interface World {
  readonly clock: Clock
  readonly random: () => number
  readonly tasks: TaskHandler
  readonly store: ItemStore | undefined
  readonly refuses: Refuses | undefined
  /** Counts the names given out. */
  readonly ids: Iterator<number, never>
  readonly onEvent: ((event: HistoryEvent) => void) | undefined
  readonly machineArn: string
  readonly machineName: string
  readonly roleArn: string
  /** Runs a set of states to its end; handed down so that Parallel and Map needn't know the loop that runs them. */
  readonly runGraph: (graph: Graph, input: Json, frame: Frame) => Promise<Json>
}

/** Where a line of states runs: the execution's top level, a Parallel's branch or an inline Map's iteration. */
export interface Frame {
  readonly run: ExecutionRun
  /** Aborted (with Cancelled) when this line must end at once. */
  readonly signal: AbortSignal
  readonly variables: Variables
  readonly thread: Thread
  readonly topLevel: boolean
  /** `$states.context.Map.Item`, inside an iteration. */
  readonly mapItem: { readonly Index: number; readonly Value: Json } | undefined
}

export interface RunOptions {
  readonly name: string
  /** The path between machine name and execution name in a child's ARN. */
  readonly label?: string | undefined
  readonly timeoutSeconds?: number | undefined
  readonly startedAt?: string | undefined
}

/** One execution: the one that was started, or a child of a distributed Map. */
export class ExecutionRun {
  readonly world: World
  readonly arn: string
  readonly name: string
  readonly input: Json
  readonly history: History
  readonly interruption = new Interruption()
  readonly children = new Set<ExecutionRun>()
  readonly surroundings: Surroundings
  readonly startedAt: string
  stoppedAt: string | undefined
  readonly #graph: Graph
  readonly #timeoutSeconds: number | undefined
  readonly #controller = new AbortController()
  #ending: ExecutionResult | undefined

  constructor(world: World, graph: Graph, input: Json, options: RunOptions) {
    this.world = world
    this.#graph = graph
    this.input = input
    this.name = options.name
    const [machine, account] = [world.machineName, world.machineArn.split(':stateMachine:')[0] ?? world.machineArn]
    const label = options.label === undefined ? '' : `/${options.label}`
    this.arn = `${account}:execution:${machine}${label}:${options.name}`
    this.startedAt = options.startedAt ?? new Date(world.clock.now()).toISOString()
    this.#timeoutSeconds = options.timeoutSeconds
    this.surroundings = { now: () => world.clock.now(), random: world.random }
    this.history = new History(this.arn, () => world.clock.now(), world.onEvent)
  }

  /** Runs to the end. Rejects only for a fault of the interpreter or of a listener, never for a failed execution. */
  async run(): Promise<ExecutionResult> {
    const timer = new AbortController()
    const timeout = this.#limitTime(timer.signal)
    this.history.record('ExecutionStarted', 0, { input: this.input, name: this.name })
    const frame: Frame = {
      run: this,
      signal: this.#controller.signal,
      variables: new Variables(),
      thread: { last: 0 },
      topLevel: true,
      mapItem: undefined,
    }
    try {
      this.#controller.signal.throwIfAborted()
      const output = await this.world.runGraph(this.#graph, this.input, frame)
      return this.#end('ExecutionSucceeded', frame.thread.last, { status: 'SUCCEEDED', output })
    } catch (error) {
      if (error instanceof Cancelled && this.#ending !== undefined) {
        const type = this.#ending.status === 'TIMED_OUT' ? 'ExecutionTimedOut' : 'ExecutionAborted'
        return this.#end(type, 0, this.#ending)
      }
      if (!(error instanceof StateFailure)) throw error
      return this.#end('ExecutionFailed', frame.thread.last, {
        status: 'FAILED',
        ...(error.error === undefined ? {} : { error: error.error }),
        ...(error.failureCause === undefined ? {} : { cause: error.failureCause }),
      })
    } finally {
      // A fault must not leave branches running behind the caller's back.
      this.#controller.abort(new Cancelled())
      timer.abort()
      await timeout
    }
  }

  /** Ends everything in this execution and its children at once. */
  stop(ending: ExecutionResult): void {
    if (this.#ending !== undefined || this.stoppedAt !== undefined) return
    this.#ending = ending
    this.#controller.abort(new Cancelled())
  }

  /** Marks this execution and the running children of its distributed Maps. */
  interrupt(error: string, cause: string): void {
    if (this.stoppedAt !== undefined) return
    this.interruption.mark(error, cause)
    for (const child of this.children) child.interrupt(error, cause)
  }

  /** A name for a child or a Map Run. Its end is a count, so that names differ even when the caller's chance is always the same. */
  newId(): string {
    const count = this.world.ids.next().value
    return `${uuid(this.world.random).slice(0, -8)}${count.toString(16).padStart(8, '0')}`
  }

  async #limitTime(signal: AbortSignal): Promise<void> {
    if (this.#timeoutSeconds === undefined) return
    try {
      await this.world.clock.sleep(this.#timeoutSeconds * 1000, signal)
      this.stop({ status: 'TIMED_OUT', error: 'States.Timeout' })
    } catch {
      // The execution ended in time.
    }
  }

  #end(type: string, previous: number, result: ExecutionResult): ExecutionResult {
    this.history.record(type, previous, { output: result.output, error: result.error, cause: result.cause })
    this.stoppedAt = new Date(this.world.clock.now()).toISOString()
    return result
  }
}
