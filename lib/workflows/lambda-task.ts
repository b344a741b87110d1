import { Duration } from 'aws-cdk-lib'
import { type IChainable, TaskInput as Payload, Timeout } from 'aws-cdk-lib/aws-stepfunctions'
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import type { Construct } from 'constructs'
import { type TaskInput, type TaskName, tasks } from '../../functions/contracts/tasks.ts'
import type { ExportFunctions } from '../export-functions.ts'
import { asRetry, type RetryPolicy } from './retry-policies.ts'

/** A JSONata expression as Step Functions takes it. */
export type Jsonata = `{% ${string} %}`

/** What a payload may look like: the contract's own keys, each an expression or an object of such. */
export type PayloadOf<Input> = {
  [Key in keyof Input]: Jsonata | (Input[Key] extends Record<string, unknown> ? PayloadOf<Input[Key]> : never)
}

/** The task's own limit is above the function's, so that a slow function ends with its own error. */
const SPARE_SECONDS = 30

export interface LambdaTaskProps<Name extends TaskName> {
  /** The state's name, where the function's says something else to an operator. */
  name?: string
  payload: PayloadOf<TaskInput<Name>>
  /** Variables for later states. The answer is `$states.result.Payload` here, and the next state's input. */
  assign?: Record<string, Jsonata>
  /** Replaces the function's answer as the next state's input. */
  output?: Jsonata
  retry: readonly RetryPolicy[]
  /** Errors that mean something to this task's story, and the state that takes them: the error, or `output` in its place. */
  caught?: { errors: readonly string[]; by: IChainable; output?: Jsonata }
  /** Where every other error goes that outlasts the retries; `assignError` keeps it in a variable, `onError` gets it as input. */
  onError: IChainable
  assignError?: string
}

/** `start-backup` → `Start backup`: a task's state is its stem, read aloud. */
export function stateName(task: TaskName): string {
  const words = tasks[task].stem.replaceAll('-', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** The state that calls a task's function: payload typed by the contract, with time limit, retries and a way out. */
export function lambdaTask<Name extends TaskName>(
  scope: Construct,
  functions: ExportFunctions,
  task: Name,
  props: LambdaTaskProps<Name>,
): LambdaInvoke {
  const { function: lambdaFunction, timeoutSeconds } = functions.of(task)
  const state = LambdaInvoke.jsonata(scope, props.name ?? stateName(task), {
    lambdaFunction,
    payload: Payload.fromObject(props.payload),
    // CDK would add six retries on errors after which the function may have run; each task says itself what it bears.
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(timeoutSeconds + SPARE_SECONDS)),
    outputs: props.output ?? '{% $states.result.Payload %}',
    ...(props.assign && { assign: props.assign }),
  })
  for (const policy of props.retry) state.addRetry(asRetry(policy))
  if (props.caught !== undefined) {
    const { errors, by, output } = props.caught
    state.addCatch(by, { errors: [...errors], ...(output !== undefined && { outputs: output }) })
  }
  state.addCatch(props.onError, {
    ...(props.assignError !== undefined && { assign: { [props.assignError]: '{% $states.errorOutput %}' } }),
  })
  return state
}
