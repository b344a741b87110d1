import { TaskFailure } from '../errors.ts'
import { isObject } from '../json.ts'
import type { Supports } from '../load/resources.ts'
import { requireRight, type TaskHandler } from '../ports.ts'

/** A look at an execution, as CDK's CallAwsService renders it (any partition). */
const DESCRIBE_EXECUTION = /^arn:aws[a-z-]*:states:::aws-sdk:sfn:describeExecution$/

export const supportsExecutions: Supports = (resource) => DESCRIBE_EXECUTION.test(resource)

/** Answers `describeExecution` with the status that `statusOf` gives, in the words of Step Functions. */
export function executionTasks(statusOf: (executionArn: string) => string): TaskHandler {
  return async (resource, args, context) => {
    if (!supportsExecutions(resource)) throw new TypeError(`${resource} is not a look at an execution`)
    const { ExecutionArn: executionArn } = isObject(args) ? args : {}
    if (typeof executionArn !== 'string' || executionArn === '') {
      throw new TaskFailure(
        'States.Runtime',
        'The Arguments of sfn:describeExecution must give ExecutionArn as a string',
      )
    }
    requireRight(context, 'states:DescribeExecution', executionArn, 'Sfn.SfnException')
    return { ExecutionArn: executionArn, Status: statusOf(executionArn) }
  }
}
