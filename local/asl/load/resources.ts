import { isObject } from '../json.ts'
import type { Fields } from './fields.ts'

/** The optimised Lambda integration, as CDK's LambdaInvoke renders it (any partition). */
export const LAMBDA_INVOKE = /^arn:aws[a-z-]*:states:::lambda:invoke$/
/** A function named directly by the Task's Resource. */
export const LAMBDA_FUNCTION = /^arn:aws[a-z-]*:lambda:[^:]*:[^:]*:function:[^:]+(:[^:]+)?$/
/** A build of CodeBuild that is waited for, as CDK's CodeBuildStartBuild renders it (any partition). */
export const CODEBUILD_RUN = /^arn:aws[a-z-]*:states:::codebuild:startBuild\.sync$/
/** An execution of a state machine that is waited for, its output as JSON, as CDK's StepFunctionsStartExecution renders it (any partition). */
export const START_AND_WAIT = /^arn:aws[a-z-]*:states:::states:startExecution\.sync:2$/
const INTEGRATION = /^arn:aws[a-z-]*:states:::/

const waitedFor = [CODEBUILD_RUN, START_AND_WAIT]

/** Says of a Task's resource whether there is a handler for it. */
export type Supports = (resourceArn: string) => boolean

/** The two ways to call a Lambda function: what is supported unless the caller names further integrations. */
export const supportsLambda: Supports = (resource) => LAMBDA_INVOKE.test(resource) || LAMBDA_FUNCTION.test(resource)

export function readResource(state: Fields, supports: Supports): string {
  const resource = state.text('Resource') ?? ''
  if (!state.require('Resource')) return resource
  const refusal = whyNot(resource, supports)
  if (refusal !== undefined) state.complain('Resource', refusal)
  else if (LAMBDA_INVOKE.test(resource)) checkInvokeArguments(state)
  return resource
}

function whyNot(resource: string, supports: Supports): string | undefined {
  if (!resource.startsWith('arn:')) return `'${resource}' is not an ARN`
  if (resource.includes(':activity:')) return 'Activities are not supported'
  if (INTEGRATION.test(resource)) {
    if (resource.endsWith('.waitForTaskToken')) return 'The integration pattern .waitForTaskToken is not supported'
    if (/\.sync(:\d)?$/.test(resource) && !(waitedFor.some((each) => each.test(resource)) && supports(resource)))
      return 'The integration pattern .sync is not supported'
  }
  return supports(resource) ? undefined : `There is no handler for '${resource}'`
}

/** An expression for the whole of Arguments can only be checked when it runs. */
function checkInvokeArguments(state: Fields): void {
  if (!state.has('Arguments')) {
    state.complain('', "The field 'Arguments' is missing: lambda:invoke needs FunctionName")
    return
  }
  if (!isObject(state.values['Arguments'])) return
  const fields = state.object('Arguments')
  fields?.allowOnly(['FunctionName', 'Payload', 'InvocationType', 'LogType', 'Qualifier', 'ClientContext'])
  fields?.require('FunctionName')
  const type = fields?.values['InvocationType']
  if (type !== undefined && type !== 'RequestResponse') {
    fields?.complain('InvocationType', 'Only RequestResponse is supported')
  }
}
