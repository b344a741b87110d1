/** A definition that AWS would refuse, or that this interpreter doesn't support. Lists every problem with its place. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'
  readonly problems: readonly DefinitionProblem[]

  constructor(problems: readonly DefinitionProblem[]) {
    super(
      `The definition can't be used:\n${problems.map((problem) => `- ${problem.path}: ${problem.message}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/** `path` is a pointer into the definition, as AWS writes it: `/States/Copy parts/Output/total`. */
export interface DefinitionProblem {
  readonly path: string
  readonly message: string
}

export interface FailureOptions {
  /** Where in the state a JSONata field failed, such as `Output/total`; makes the history record EvaluationFailed. */
  readonly location?: string | undefined
  readonly evaluation?: boolean
  /** AWS begins the cause with the state's name and the event at which it was entered. */
  readonly naming?: boolean
  /** Ends the execution whatever Retry and Catch say. */
  readonly terminal?: boolean
  readonly interrupt?: boolean
}

/** The failure of a state or an execution, with the error name and cause that Retry and Catch see. */
export class StateFailure extends Error {
  override readonly name = 'StateFailure'
  readonly error: string | undefined
  readonly failureCause: string | undefined
  readonly location: string | undefined
  readonly evaluation: boolean
  readonly terminal: boolean
  readonly naming: boolean
  /** Our own graceful stop, not a failure that the work itself had: no Retry. */
  readonly interrupt: boolean

  constructor(error: string | undefined, cause: string | undefined, options: FailureOptions = {}) {
    super(`${error ?? 'failed'}: ${cause ?? 'no cause given'}`)
    this.error = error
    this.failureCause = cause
    this.location = options.location
    this.evaluation = options.evaluation ?? false
    this.naming = options.naming ?? false
    this.interrupt = options.interrupt ?? false
    this.terminal = options.terminal ?? error === 'States.Runtime'
  }
}

/** A JSONata field that gave no usable value: `States.QueryEvaluationError`. `location` is the field's place in its state. */
export function evaluationFailure(cause: string, location?: string): StateFailure {
  return new StateFailure('States.QueryEvaluationError', cause, { location, evaluation: true, naming: true })
}

/**
 * What a task handler throws to fail its Task with an error name and a cause of its own choice.
 * Any other Error fails the Task with its `name` and `message`.
 */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure'
  readonly error: string
  readonly failureCause: string

  constructor(error: string, cause: string) {
    super(`${error}: ${cause}`)
    this.error = error
    this.failureCause = cause
  }
}

/** A branch was told to end from outside: a sibling failed, the execution was stopped or ran out of time. No Catch sees it. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'

  constructor() {
    super('cancelled')
  }
}
