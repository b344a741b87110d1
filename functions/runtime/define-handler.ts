import type { z } from 'zod'
import { GuestliftError, InternalFault } from '../contracts/errors.ts'
import { type TaskInput, type TaskName, type TaskOutput, tasks } from '../contracts/tasks.ts'
import { validationMessage } from '../domain/words/validation-message.ts'
import { logLine, loggedAbout, subjectOf } from './log.ts'
import { inSources } from './source-places.ts'

/** What Lambda tells about the call; only what we use. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

/** One function call, as the parts of the composition root see it. */
export interface Invocation {
  task: TaskName
  remainingMilliseconds(): number
  /** What Lambda bills of this call so far: an environment's first call also pays for loading the code. */
  billedMilliseconds(): number
  /** Register something to close when the call ends, whatever its outcome. */
  onEnd(close: () => Promise<void>): void
}

/**
 * A Lambda handler for a task: parse the payload by its contract, compose the ports, call the operation, check its
 * answer. Errors leave with the literal names of `contracts/errors.ts`; anything else becomes `InternalFault`.
 */
export function defineHandler<Name extends TaskName, Needs>(
  name: Name,
  operation: (input: TaskInput<Name>, ports: Needs) => Promise<TaskOutput<Name>>,
  compose: (invocation: Invocation) => Needs,
): (event: unknown, context: LambdaContext) => Promise<TaskOutput<Name>> {
  // The handler's module defines it last: by now everything is loaded, and the clock began with the process.
  let unbilledMilliseconds = performance.now()
  const answer = async (event: unknown, context: LambdaContext): Promise<TaskOutput<Name>> => {
    const begunAt = performance.now() - unbilledMilliseconds
    unbilledMilliseconds = 0
    const closers: (() => Promise<void>)[] = []
    const invocation: Invocation = {
      task: name,
      remainingMilliseconds: () => context.getRemainingTimeInMillis(),
      billedMilliseconds: () => performance.now() - begunAt,
      onEnd: (close) => closers.push(close),
    }
    try {
      const input = parsed(tasks[name].input, event, `${name} got a payload that breaks its contract`)
      const output = await operation(input as TaskInput<Name>, compose(invocation))
      return parsed(tasks[name].output, output, `${name} answered against its contract`) as TaskOutput<Name>
    } catch (error) {
      const known = error instanceof GuestliftError ? error : new InternalFault(faultMessage(name, error))
      logLine('task-failed', { task: name, error: known.name, message: known.message, stack: stackOf(error) })
      throw known
    } finally {
      await Promise.allSettled(closers.map((close) => close()))
    }
  }
  return (event, context) => loggedAbout(subjectOf(event), () => answer(event, context))
}

function parsed(schema: z.ZodType, value: unknown, otherwise: string): unknown {
  const result = schema.safeParse(value)
  if (!result.success) throw new InternalFault(`${otherwise}: ${validationMessage(result.error)}`)
  return result.data
}

function faultMessage(name: TaskName, error: unknown): string {
  return `${name} hit an error that Guestlift does not know: ${error instanceof Error ? error.message : String(error)}`
}

function stackOf(error: unknown): string[] {
  return error instanceof Error ? inSources((error.stack ?? '').split('\n').slice(1, 8)) : []
}
