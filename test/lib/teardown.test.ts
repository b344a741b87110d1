/** A stack that is torn down, or whose first deployment fails and is rolled back, leaves nothing that stops the next. */
import { describe, expect, it } from 'vitest'
import { readTemplate, type Template } from '../../local/iam/rights.ts'
import { sorted } from './sorted.ts'
import { synthesise } from './synthesise.ts'

/** Types whose resources stay when their stack goes, and why that stops nothing. */
const kept: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'The archives outlive everything. A first deployment that fails removes it, since it is empty.',
  'AWS::S3::BucketPolicy': 'It guards the bucket that stays.',
}

/** Types with names of ours, and why there is never another of that name. */
const fixed: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'Only where the deployment names it; it stays, so its stack is made once.',
  'AWS::Lambda::Function': 'It goes with its stack.',
  'AWS::Logs::LogGroup': 'It goes with its stack, and no role may make it anew for a line that comes late.',
  'AWS::StepFunctions::StateMachine': 'It goes with its stack; CloudFormation waits for its executions.',
  'AWS::Scheduler::ScheduleGroup': 'It goes with its stack.',
  'AWS::Scheduler::Schedule': 'It goes with its stack, and with its group.',
  'AWS::CodeBuild::Project': 'It goes with its stack.',
}

const naming = [
  'Name',
  'BucketName',
  'FunctionName',
  'LogGroupName',
  'StateMachineName',
  'TopicName',
  'QueueName',
  'RoleName',
  'AliasName',
  'AlarmName',
  'PolicyName',
  'ManagedPolicyName',
]
/** Names of inline policies are their role's own. */
const ownNamesOnly = new Set(['AWS::IAM::Policy'])

async function templates(): Promise<(Template & { raw: Record<string, Record<string, unknown>> })[]> {
  const { storage, exports } = await synthesise('named')
  return [storage, exports].map((template) => {
    const json = template.toJSON() as { Resources: Record<string, Record<string, unknown>> }
    return { ...readTemplate(json), raw: json.Resources }
  })
}

describe('tearing down and deploying again', () => {
  it('keeps what is listed here with a reason, and nothing of it when making it failed', async () => {
    const staying = (await templates()).flatMap(({ raw }) =>
      Object.values(raw).flatMap(({ Type, DeletionPolicy, UpdateReplacePolicy }) =>
        DeletionPolicy !== undefined && DeletionPolicy !== 'Delete'
          ? [[Type, DeletionPolicy, UpdateReplacePolicy]]
          : [],
      ),
    )
    expect(staying).toEqual(Object.keys(kept).map((type) => [type, 'RetainExceptOnCreate', 'Retain']))
  })

  it('gives fixed names only to what is listed here with a reason', async () => {
    const named = (await templates()).flatMap(({ Resources }) =>
      Object.values(Resources).flatMap(({ Type, Properties }) =>
        !ownNamesOnly.has(Type) && naming.some((property) => typeof Properties[property] === 'string') ? [Type] : [],
      ),
    )
    expect(sorted([...new Set(named)])).toEqual(sorted(Object.keys(fixed)))
  })

  it('lets no role make a group of logs, whose name would stop the next deployment', async () => {
    for (const { raw } of await templates()) expect(JSON.stringify(raw)).not.toContain('logs:CreateLogGroup')
  })
})
