import type { Template } from './expressions.ts'

/** A definition that has been checked: every expression is parsed, every default filled in. */
export interface StateMachine {
  readonly graph: Graph
  readonly timeoutSeconds: number | undefined
  readonly comment: string | undefined
  /** Resource ARNs of every Task, to look their handlers up before a run. */
  readonly resources: ReadonlySet<string>
}

/** A set of states with their own StartAt: the machine's, a Parallel branch's or a Map's item processor's. */
export interface Graph {
  readonly startAt: string
  readonly states: ReadonlyMap<string, State>
}

export type State =
  | PassState
  | TaskState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | ParallelState
  | MapState
export type StateType = State['type']

interface StateBase {
  readonly name: string
  readonly comment: string | undefined
}

/** What a state, a choice rule or a catcher does with its data when it is left. */
export interface Exit {
  readonly output: Template | undefined
  readonly assign: Template | undefined
}

/** `next` is undefined for a state with `End: true`. */
interface Flowing extends StateBase, Exit {
  readonly next: string | undefined
}

export interface Retrier {
  readonly errorEquals: readonly string[]
  readonly intervalSeconds: number
  readonly maxAttempts: number
  readonly backoffRate: number
  readonly maxDelaySeconds: number | undefined
  readonly jitter: 'FULL' | 'NONE'
}

export interface Catcher extends Exit {
  readonly errorEquals: readonly string[]
  readonly next: string
}

interface Guarded extends Flowing {
  readonly retry: readonly Retrier[]
  readonly catch: readonly Catcher[]
}

export interface PassState extends Flowing {
  readonly type: 'Pass'
}

export interface TaskState extends Guarded {
  readonly type: 'Task'
  readonly resource: string
  readonly arguments: Template | undefined
  readonly timeoutSeconds: Template | undefined
}

export interface ChoiceRule extends Exit {
  readonly condition: Template
  readonly next: string
}

/** The state's own Output and Assign belong to its Default; a rule that matches has its own. */
export interface ChoiceState extends StateBase, Exit {
  readonly type: 'Choice'
  readonly rules: readonly ChoiceRule[]
  readonly default: string | undefined
}

export interface WaitState extends Flowing {
  readonly type: 'Wait'
  readonly until: { readonly field: 'Seconds' | 'Timestamp'; readonly value: Template }
}

export interface SucceedState extends StateBase {
  readonly type: 'Succeed'
  readonly output: Template | undefined
}

export interface FailState extends StateBase {
  readonly type: 'Fail'
  readonly error: Template | undefined
  readonly cause: Template | undefined
}

export interface ParallelState extends Guarded {
  readonly type: 'Parallel'
  readonly arguments: Template | undefined
  readonly branches: readonly Graph[]
}

export interface MapState extends Guarded {
  readonly type: 'Map'
  readonly items: Template | undefined
  readonly itemSelector: Template | undefined
  readonly maxConcurrency: Template | undefined
  readonly processor: Graph
  /** Undefined for an inline Map. */
  readonly distributed: DistributedOptions | undefined
}

export interface DistributedOptions {
  readonly executionType: 'STANDARD' | 'EXPRESS'
  readonly label: string | undefined
  readonly reader: ItemReader | undefined
  readonly batcher: ItemBatcher | undefined
  readonly writer: ResultWriter | undefined
  readonly toleratedFailureCount: Template | undefined
  readonly toleratedFailurePercentage: Template | undefined
}

export interface ItemReader {
  readonly resource: string
  /** Evaluates to Bucket and Key. */
  readonly arguments: Template
  readonly format: ReaderFormat
  readonly maxItems: Template | undefined
}

export type ReaderFormat =
  | { readonly type: 'JSON'; readonly pointer: string | undefined }
  | { readonly type: 'JSONL' }
  | { readonly type: 'CSV'; readonly delimiter: string; readonly headers: readonly string[] | undefined }

export interface ItemBatcher {
  readonly maxItems: Template | undefined
  readonly maxBytes: Template | undefined
  readonly batchInput: Template | undefined
}

export type Transformation = 'NONE' | 'COMPACT' | 'FLATTEN'

export interface ResultWriter {
  /** Bucket and Prefix; undefined when the results only get another shape and stay in the state's output. */
  readonly destination: { readonly resource: string; readonly arguments: Template } | undefined
  readonly transformation: Transformation | undefined
  readonly outputType: 'JSON' | 'JSONL'
}
