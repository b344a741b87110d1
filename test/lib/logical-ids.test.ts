/** CloudFormation replaces what gets another logical id: names that are fixed would be in the way, and content be lost. */
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { parseDeployment } from '../../lib/deployment-config.ts'
import { ExportStack } from '../../lib/export-stack.ts'
import { StorageStack } from '../../lib/storage-stack.ts'

const config = parseDeployment(
  {
    name: 'test',
    sites: ['hq', 'branch'],
    alarmAfterHoursWithoutSuccess: 26,
    notificationEmails: ['ops@example.com'],
    schedules: [{ name: 'nightly', expression: 'rate(1 day)', job: { site: 'hq', guests: { all: true } } }],
    retention: [{ site: 'hq', retention: { 'keep-last': 3 } }],
  },
  'the test',
)

/** Stateful, named, or what executions that run for days still use. */
const watched =
  /^AWS::(S3::Bucket|Lambda::Function|StepFunctions::StateMachine|IAM::Role|Logs::LogGroup|SQS::Queue|SNS::Topic|SNS::Subscription|KMS::Key|Scheduler::\w+|CodeBuild::Project|CloudWatch::Alarm)$/

function templates(): { Resources: Record<string, { Type: string }> }[] {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  const stacks = [new StorageStack(app, config), new ExportStack(app, config)]
  return stacks.map((stack) => Template.fromStack(stack).toJSON() as { Resources: Record<string, { Type: string }> })
}

describe('two syntheses of one version', () => {
  it('are the same to the letter', () => {
    expect(JSON.stringify(templates())).toBe(JSON.stringify(templates()))
  })

  it('give what is stateful or named the ids of the version before', async () => {
    const ids = templates().flatMap(({ Resources }) =>
      Object.entries(Resources).flatMap(([id, { Type }]) => (watched.test(Type) ? [`${Type} ${id}`] : [])),
    )
    await expect(`${ids.toSorted().join('\n')}\n`).toMatchFileSnapshot('./__snapshots__/logical-ids.txt')
  })
})
