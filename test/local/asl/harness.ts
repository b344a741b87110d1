import {
  type ExecutionResult,
  type HistoryEvent,
  type ItemStore,
  loadStateMachine,
  startExecution,
  type TaskContext,
  TaskFailure,
  VirtualClock,
} from '../../../local/asl/interpreter.ts'
import type { Json } from '../../../local/asl/json.ts'

/** A Lambda function's ARN: the shortest Task resource, whose result is the bare answer. */
export const WORK = 'arn:aws:lambda:eu-central-1:123456789012:function:work'

export type FakeTask = (args: Json, context: TaskContext & { readonly clock: VirtualClock }) => unknown

export interface RunOptions {
  readonly input?: unknown
  /** Fake tasks by state name. */
  readonly tasks?: Readonly<Record<string, FakeTask>>
  readonly s3?: ItemStore
  readonly random?: () => number
  readonly onEvent?: (event: HistoryEvent) => void
}

export interface Outcome {
  readonly result: ExecutionResult
  /** Names in the order entered, of this execution (not of its distributed children). */
  readonly states: readonly string[]
  readonly events: readonly HistoryEvent[]
  /** Events of the execution and of its distributed children. */
  readonly allEvents: readonly HistoryEvent[]
  readonly types: readonly string[]
  readonly seconds: number
}

export function start(definition: unknown, options: RunOptions = {}) {
  const clock = new VirtualClock()
  const startedMs = clock.now()
  const allEvents: HistoryEvent[] = []
  const loaded = loadStateMachine(definition, { supports: () => true })
  const execution = startExecution(loaded, options.input ?? {}, {
    clock,
    random: options.random ?? (() => 0.5),
    tasks: async (_resource, args, context) => {
      const fake = options.tasks?.[context.stateName]
      if (fake === undefined) throw new TaskFailure('NoFake', `no fake for ${context.stateName}`)
      return fake(args, { ...context, clock })
    },
    onEvent: (event) => {
      allEvents.push(event)
      options.onEvent?.(event)
    },
    ...(options.s3 === undefined ? {} : { s3: options.s3 }),
  })
  const outcome = async (): Promise<Outcome> => {
    const result = await execution.result
    return {
      result,
      events: execution.history,
      allEvents,
      types: execution.history.map((event) => event.type),
      states: execution.history
        .filter((event) => event.type.endsWith('StateEntered'))
        .flatMap(({ details: { name } }) => (typeof name === 'string' ? [name] : [])),
      seconds: (clock.now() - startedMs) / 1000,
    }
  }
  return { execution, clock, outcome }
}

export async function run(definition: unknown, options: RunOptions = {}): Promise<Outcome> {
  return start(definition, options).outcome()
}

/** A JSONata machine out of its states; the first is where it starts. */
export function machine(states: Record<string, object>, extra: object = {}): object {
  return { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...extra }
}

/** Evaluates one field as a Pass state's Output. */
export async function evaluate(output: unknown, input: unknown = {}, random?: () => number): Promise<ExecutionResult> {
  const definition = machine({ Only: { Type: 'Pass', Output: output, End: true } })
  return (await run(definition, { input, ...(random === undefined ? {} : { random }) })).result
}

/** A Task that calls WORK, with further fields. */
export function task(fields: object): object {
  return { Type: 'Task', Resource: WORK, ...fields }
}

/** Objects in memory, by `bucket/key`. */
export function memoryStore(files: Record<string, string> = {}) {
  const store: ItemStore & { readonly files: Record<string, string> } = {
    files,
    getObject: async (bucket, key) => {
      const body = files[`${bucket}/${key}`]
      if (body === undefined) throw Object.assign(new Error('The specified key does not exist.'), { name: 'NoSuchKey' })
      return body
    },
    putObject: async (bucket, key, body) => {
      files[`${bucket}/${key}`] = body
    },
  }
  return store
}
