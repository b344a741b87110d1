import { TaskFailure } from '../errors.ts'
import { isObject, type Json, toJson } from '../json.ts'
import { LAMBDA_FUNCTION, LAMBDA_INVOKE } from '../load/resources.ts'
import { requireRight, type TaskContext, type TaskHandler } from '../ports.ts'

/** Calls the function with this name or ARN and resolves to what its handler returns, or rejects with what it throws. */
export type InvokeFunction = (functionName: string, payload: Json, context: TaskContext) => Promise<unknown>

/** Largest payload and answer of a synchronous call. */
const LAMBDA_PAYLOAD_BYTES = 6 * 1_048_576

/**
 * Answers the two Lambda resources as AWS does: `arn:aws:states:::lambda:invoke` gives `{ ExecutedVersion, Payload, SdkHttpMetadata, StatusCode }`,
 * a function's own ARN gives the bare payload. What the function throws fails the Task with `errorType` as error name and
 * `{"errorMessage":…,"errorType":…,"trace":[…]}` as cause.
 */
export function lambdaTasks(invoke: InvokeFunction): TaskHandler {
  return async (resource, args, context) => {
    if (LAMBDA_FUNCTION.test(resource)) return call(invoke, resource, args, context)
    if (!LAMBDA_INVOKE.test(resource)) throw new TypeError(`${resource} is not a Lambda resource`)
    const { FunctionName: functionName, Payload: payload = {} } = isObject(args) ? args : {}
    if (typeof functionName !== 'string' || functionName === '') {
      throw new TaskFailure('States.Runtime', 'The Arguments of lambda:invoke must give FunctionName as a string')
    }
    const answer = await call(invoke, functionName, toJson(payload), context)
    return {
      ExecutedVersion: '$LATEST',
      Payload: answer,
      SdkHttpMetadata: { HttpStatusCode: 200 },
      StatusCode: 200,
    }
  }
}

async function call(invoke: InvokeFunction, name: string, payload: Json, context: TaskContext): Promise<Json> {
  requireRight(context, 'lambda:InvokeFunction', name, 'Lambda.AWSLambdaException')
  let answer: Json
  try {
    answer = toJson(await invoke(name, payload, context))
  } catch (error) {
    if (error instanceof TaskFailure) throw error
    throw functionFailure(error)
  }
  const bytes = Buffer.byteLength(JSON.stringify(answer))
  if (bytes > LAMBDA_PAYLOAD_BYTES) {
    const errorMessage = `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (${LAMBDA_PAYLOAD_BYTES} bytes).`
    throw new TaskFailure(
      'Function.ResponseSizeTooLarge',
      JSON.stringify({ errorType: 'Function.ResponseSizeTooLarge', errorMessage }),
    )
  }
  return answer
}

/** As the Node.js runtime reports an error: its `name`, message and stack. */
export function functionFailure(error: unknown): TaskFailure {
  const isError = error instanceof Error
  const errorType = isError ? error.name : typeof error
  const errorMessage = isError ? error.message : String(error)
  const trace = isError ? (error.stack ?? '').split('\n') : []
  return new TaskFailure(errorType, JSON.stringify({ errorType, errorMessage, trace }))
}
