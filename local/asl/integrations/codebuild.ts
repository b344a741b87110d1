import { TaskFailure } from '../errors.ts'
import { isObject, type Json } from '../json.ts'
import { CODEBUILD_RUN } from '../load/resources.ts'
import type { Supports } from '../load/resources.ts'
import { neighbourArn, requireRight, type TaskContext, type TaskHandler } from '../ports.ts'

/** How a build ended, in CodeBuild's words. */
export type BuildStatus = 'SUCCEEDED' | 'FAILED' | 'FAULT' | 'TIMED_OUT' | 'STOPPED'

export interface BuildOrder {
  projectName: string
  /** Laid over the project's own. */
  environment: Readonly<Record<string, string>>
}

/** Runs a build of this project to its end. */
export type RunBuild = (order: BuildOrder, context: TaskContext) => Promise<BuildStatus>

export const supportsCodeBuild: Supports = (resource) => CODEBUILD_RUN.test(resource)

/**
 * Answers `arn:aws:states:::codebuild:startBuild.sync` as AWS does: `{ Build: { BuildStatus: "SUCCEEDED", … } }`. Any other
 * end fails the Task with `States.TaskFailed` and the build as its cause, as text.
 */
export function codeBuildTasks(run: RunBuild): TaskHandler {
  return async (resource, args, context) => {
    if (!CODEBUILD_RUN.test(resource)) throw new TypeError(`${resource} is not a build of CodeBuild that is waited for`)
    const { ProjectName: projectName, EnvironmentVariablesOverride: variables = [] } = isObject(args) ? args : {}
    if (typeof projectName !== 'string' || projectName === '') {
      throw new TaskFailure('States.Runtime', 'The Arguments of codebuild:startBuild must give ProjectName as a string')
    }
    requireRights(projectName, context)
    const status = await run({ projectName, environment: readVariables(variables) }, context)
    const build = { BuildStatus: status, ProjectName: projectName, BuildComplete: true, CurrentPhase: 'COMPLETED' }
    if (status !== 'SUCCEEDED') throw new TaskFailure('States.TaskFailed', JSON.stringify({ Build: build }))
    return { Build: build }
  }
}

/** What starting a build, being told of its end and looking at it take ("AWS CodeBuild" in the guide of Step Functions). */
function requireRights(projectName: string, context: TaskContext): void {
  const project = neighbourArn(context.execution.id, 'codebuild', `project/${projectName}`)
  const rule = neighbourArn(context.execution.id, 'events', 'rule/StepFunctionsGetEventForCodeBuildStartBuildRule')
  for (const [action, resource] of [
    ['events:PutTargets', rule],
    ['events:PutRule', rule],
    ['events:DescribeRule', rule],
    ['codebuild:StartBuild', project],
    ['codebuild:BatchGetBuilds', project],
  ] as const) {
    requireRight(context, action, resource, 'CodeBuild.AWSCodeBuildException')
  }
}

function readVariables(variables: Json): Record<string, string> {
  const entries = (Array.isArray(variables) ? variables : []).map((variable) => {
    const { Name: name, Value: value } = isObject(variable) ? variable : {}
    if (typeof name === 'string' && typeof value === 'string') return [name, value] as const
    throw new TaskFailure('States.Runtime', 'Each of EnvironmentVariablesOverride must give Name and Value as strings')
  })
  return Object.fromEntries(entries)
}
