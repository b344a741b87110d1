import { TaskFailure } from './errors.ts'
import type { Json } from './json.ts'

/** What a task handler is told beside its arguments. */
export interface TaskContext {
  /** Aborted when the task times out, is cancelled or interrupted. The interpreter doesn't wait for a handler that ignores it. */
  readonly signal: AbortSignal
  /** The Task's TimeoutSeconds; undefined without one. */
  /** Aborted when the execution is interrupted. Of use to an execution within this one, which is waited for all the same. */
  readonly interrupted: AbortSignal
  readonly timeoutSeconds: number | undefined
  readonly stateName: string
  /** Retries before this attempt. */
  readonly retryCount: number
  readonly execution: ExecutionIdentity
  readonly refuses?: Refuses | undefined
}

/** Whether the state machine's role lacks a right: why, in AWS's words, or `undefined`. Without it, all is allowed. */
export type Refuses = (action: string, resource: string) => string | undefined

/** @throws TaskFailure with this error name, as a Task fails on AWS whose state machine lacks the right */
export function requireRight(context: TaskContext, action: string, resource: string, error: string): void {
  const refused = context.refuses?.(action, resource)
  if (refused !== undefined) throw new TaskFailure(error, refused)
}

/** An ARN of another service in the region and account of an execution's own. */
export function neighbourArn(executionArn: string, service: string, resource: string): string {
  const [arn = '', partition = '', , region = '', account = ''] = executionArn.split(':')
  return [arn, partition, service, region, account, resource].join(':')
}

export interface ExecutionIdentity {
  /** The execution's ARN; children of a distributed Map have their own. */
  readonly id: string
  readonly name: string
  readonly startedAt: string
}

/**
 * Runs the work behind a Task. `resource` is the Task's Resource, `args` its evaluated Arguments (the state's input when it has none).
 * Whatever it resolves to is the Task's result. A thrown TaskFailure decides error name and cause; any other Error fails the Task with its name and message.
 */
export type TaskHandler = (resource: string, args: Json, context: TaskContext) => Promise<unknown>

/** The S3 that a distributed Map reads its items from and writes its results to. Any error fails the Map. */
export interface ItemStore {
  getObject(bucket: string, key: string): Promise<string | Uint8Array>
  putObject(bucket: string, key: string, body: string, contentType: string): Promise<void>
}
