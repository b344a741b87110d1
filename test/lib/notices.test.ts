/** From each alarm and each rule to a person: its target, the target's policy, the key that encrypts it, and what is left of what fails. */
import { Annotations, Match } from 'aws-cdk-lib/assertions'
import { App } from 'aws-cdk-lib'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { RunReport } from '../../functions/contracts/report.ts'
import { coverageMetrics } from '../../functions/domain/coverage/coverage-metrics.ts'
import { runMetrics } from '../../functions/domain/metrics/run-metrics.ts'
import { verificationMetrics } from '../../functions/domain/verification/verification-metrics.ts'
import { type DeploymentConfig, parseDeployment } from '../../lib/deployment-config.ts'
import { ExportStack } from '../../lib/export-stack.ts'
import { workflowNames } from '../../lib/workflow-names.ts'
import { deployments } from './deployments.ts'
import { sorted } from './sorted.ts'
import { synthesise } from './synthesise.ts'

const statementSchema = z.looseObject({
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.unknown().optional(),
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: z.unknown(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
})
type Statement = z.output<typeof statementSchema>
type Resource = Readonly<{ Type: string; Properties: Record<string, unknown> }>

let resources: Record<string, Resource>
beforeAll(async () => {
  const { exports } = await synthesise('watched')
  resources = z
    .object({
      Resources: z.record(
        z.string(),
        z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
      ),
    })
    .parse(exports.toJSON()).Resources
})

function all(type: string): [string, Resource][] {
  return Object.entries(resources).filter(([, { Type }]) => Type === type)
}

/** The logical id that a reference means. */
function idOf(reference: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = z
    .object({ Ref: z.string().optional(), 'Fn::GetAtt': z.array(z.string()).optional() })
    .parse(reference)
  return Ref ?? attribute?.[0] ?? ''
}

function statementsOf(document: unknown): Statement[] {
  return z.object({ Statement: z.array(statementSchema) }).parse(document).Statement
}

/** Statements of a resource's own policy by which a service may do this. */
function allowing(statements: readonly Statement[], service: string, action: string): Statement[] {
  return statements.filter(({ Effect, Principal, Action }) => {
    const services = z.object({ Service: z.union([z.string(), z.array(z.string())]) }).safeParse(Principal)
      .data?.Service
    const granted = [Action].flat().some((each) => new RegExp(`^${each.replaceAll('*', '.*')}$`, 'i').test(action))
    return Effect === 'Allow' && granted && [services ?? []].flat().includes(service)
  })
}

/** What keeps a message of this service from the people behind the topic. */
function gapsOfTopic(topicId: string, service: string): string[] {
  const topic = resources[topicId]
  if (topic?.Type !== 'AWS::SNS::Topic') return [`${topicId} is no topic`]
  const gaps: string[] = []
  const [policy] = all('AWS::SNS::TopicPolicy').filter(([, { Properties }]) =>
    z.array(z.unknown()).parse(Properties['Topics']).map(idOf).includes(topicId),
  )
  const publishers = allowing(statementsOf(policy?.[1].Properties['PolicyDocument']), service, 'sns:Publish')
  if (!publishers.some((each) => idOf(each.Resource) === topicId && holdsFor(each, service)))
    gaps.push(`the topic's policy lets ${service} publish nothing`)
  const key = resources[idOf(topic.Properties['KmsMasterKeyId'])]
  for (const action of ['kms:Decrypt', 'kms:GenerateDataKey']) {
    const users = allowing(statementsOf(key?.Properties['KeyPolicy']), service, action)
    if (!users.some((each) => holdsFor(each, service))) gaps.push(`the key lets ${service} do no ${action}`)
  }
  if (!all('AWS::SNS::Subscription').some(([, { Properties }]) => idOf(Properties['TopicArn']) === topicId))
    gaps.push('nobody subscribes to the topic')
  return gaps
}

/** EventBridge sends no condition keys to SNS and KMS, so a condition never holds for it; CloudWatch sends the account. */
function holdsFor({ Condition }: Statement, service: string): boolean {
  if (service === 'events.amazonaws.com') return Condition === undefined
  return Condition?.['StringEquals']?.['aws:SourceAccount'] === '123456789012'
}

/** What keeps an event that could not be delivered from its queue, and an alarm from knowing of it. */
function gapsOfQueue(queueId: string, ruleId: string): string[] {
  const policies = all('AWS::SQS::QueuePolicy').filter(([, { Properties }]) =>
    z.array(z.unknown()).parse(Properties['Queues']).map(idOf).includes(queueId),
  )
  const senders = policies.flatMap(([, { Properties }]) =>
    allowing(statementsOf(Properties['PolicyDocument']), 'events.amazonaws.com', 'sqs:SendMessage'),
  )
  const mine = senders.filter(({ Condition }) => idOf(Condition?.['ArnEquals']?.['aws:SourceArn']) === ruleId)
  return [...(mine.length > 0 ? [] : [`the queue ${queueId} takes nothing from ${ruleId}`]), ...unwatched(queueId)]
}

function unwatched(queueId: string): string[] {
  const watching = all('AWS::CloudWatch::Alarm').some(
    ([, { Properties }]) =>
      Properties['MetricName'] === 'ApproximateNumberOfMessagesVisible' &&
      JSON.stringify(Properties['Dimensions']).includes(queueId),
  )
  return watching ? [] : [`no alarm watches the queue ${queueId}`]
}

const targetsSchema = z.array(
  z.looseObject({
    Arn: z.unknown(),
    DeadLetterConfig: z.object({ Arn: z.unknown() }),
    RoleArn: z.unknown().optional(),
  }),
)

describe('every notice reaches a person', () => {
  it('with no more of the key than publishing takes', () => {
    const [key] = all('AWS::KMS::Key')
    const services = statementsOf(key?.[1].Properties['KeyPolicy']).filter(({ Principal }) =>
      JSON.stringify(Principal).includes('amazonaws.com'),
    )
    expect(services.map(({ Principal, Action, Condition }) => [Principal, Action, Condition])).toEqual([
      [
        { Service: 'cloudwatch.amazonaws.com' },
        ['kms:Decrypt', 'kms:GenerateDataKey*'],
        { StringEquals: { 'aws:SourceAccount': '123456789012' } },
      ],
      [{ Service: 'events.amazonaws.com' }, ['kms:Decrypt', 'kms:GenerateDataKey*'], undefined],
    ])
  })

  it('from each alarm, over the topic’s policy and the key’s, to a subscriber', () => {
    const alarms = all('AWS::CloudWatch::Alarm')
    expect(alarms.length).toBeGreaterThan(20)
    const gaps = alarms.flatMap(([id, { Properties }]) => {
      const actions = z.array(z.unknown()).min(1).parse(Properties['AlarmActions'])
      const further = z.array(z.unknown()).default([]).parse(Properties['OKActions'])
      return [...actions, ...further].flatMap((action) =>
        gapsOfTopic(idOf(action), 'cloudwatch.amazonaws.com').map((gap) => `${id}: ${gap}`),
      )
    })
    expect(gaps).toEqual([])
  })

  it('from each rule to its target, and from what could not be delivered to a queue that an alarm watches', () => {
    const rules = all('AWS::Events::Rule')
    expect(rules.length).toBeGreaterThan(2)
    const gaps = rules.flatMap(([id, { Properties }]) =>
      targetsSchema.parse(Properties['Targets']).flatMap(({ Arn, DeadLetterConfig, RoleArn }) => {
        const target = idOf(Arn)
        const reached =
          resources[target]?.Type === 'AWS::StepFunctions::StateMachine'
            ? mayStart(idOf(RoleArn), target)
            : gapsOfTopic(target, 'events.amazonaws.com')
        return [...reached, ...gapsOfQueue(idOf(DeadLetterConfig.Arn), id)].map((gap) => `${id}: ${gap}`)
      }),
    )
    expect(gaps).toEqual([])
  })

  it('from each schedule that could start nothing, to a queue that an alarm watches', () => {
    const schedules = all('AWS::Scheduler::Schedule')
    expect(schedules.length).toBeGreaterThan(3)
    const target = z.looseObject({
      Arn: z.unknown(),
      RoleArn: z.unknown(),
      DeadLetterConfig: z.object({ Arn: z.unknown() }),
    })
    const gaps = schedules.flatMap(([, { Properties }]) => {
      const { Arn, RoleArn, DeadLetterConfig } = target.parse(Properties['Target'])
      const queue = idOf(DeadLetterConfig.Arn)
      const sends = rolesStatements(idOf(RoleArn)).some(
        ({ Action, Resource }) => [Action].flat().includes('sqs:SendMessage') && idOf(Resource) === queue,
      )
      return [
        ...mayStart(idOf(RoleArn), idOf(Arn)),
        ...(sends ? [] : ['its role may not write to its queue']),
        ...unwatched(queue),
      ]
    })
    expect(gaps).toEqual([])
  })

  it('about each state machine: by an event, and by alarms for when the event does not come', () => {
    const machines = all('AWS::StepFunctions::StateMachine').map(([id]) => id)
    expect(machines).toHaveLength(Object.keys(workflowNames).length)
    const told = all('AWS::Events::Rule').flatMap(([, { Properties }]) => {
      const { detail } = z
        .object({ detail: z.looseObject({ status: z.array(z.string()), stateMachineArn: z.array(z.unknown()) }) })
        .parse(Properties['EventPattern'])
      const toTopic = targetsSchema
        .parse(Properties['Targets'])
        .some(({ Arn }) => resources[idOf(Arn)]?.Type === 'AWS::SNS::Topic')
      return toTopic
        ? detail.stateMachineArn.flatMap((arn) => detail.status.map((status) => `${idOf(arn)} ${status}`))
        : []
    })
    const alarmed = all('AWS::CloudWatch::Alarm').flatMap(([, { Properties }]) => {
      const [dimension] = dimensionsSchema.parse(Properties['Dimensions'])
      return Properties['Namespace'] === 'AWS/States' && dimension?.Name === 'StateMachineArn'
        ? [`${idOf(dimension.Value)} ${String(Properties['MetricName'])}`]
        : []
    })
    for (const machine of machines) {
      for (const status of ['FAILED', 'TIMED_OUT', 'ABORTED']) expect(told).toContain(`${machine} ${status}`)
      for (const metric of ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'])
        expect(alarmed).toContain(`${machine} ${metric}`)
    }
  })
})

const dimensionsSchema = z.array(z.object({ Name: z.string(), Value: z.unknown() }))

function rolesStatements(roleId: string): Statement[] {
  return all('AWS::IAM::Policy').flatMap(([, { Properties }]) =>
    z.array(z.unknown()).parse(Properties['Roles']).map(idOf).includes(roleId)
      ? statementsOf(Properties['PolicyDocument'])
      : [],
  )
}

function mayStart(roleId: string, machineId: string): string[] {
  const may = rolesStatements(roleId).some(
    ({ Effect, Action, Resource }) =>
      Effect === 'Allow' && [Action].flat().includes('states:StartExecution') && idOf(Resource) === machineId,
  )
  return may ? [] : [`${roleId} may not start ${machineId}`]
}

describe('the alarms about our own figures', () => {
  it('ask for figures that the functions write, by their namespace, their name and every dimension', () => {
    const report = { guests: [], startedAt: '2026-11-22T02:00:00.000Z', endedAt: '2026-11-22T03:00:00.000Z' }
    const run: RunReport = { version: 1, runId: 'r', outcome: 'succeeded', summary: '', notes: [], ...report }
    const judged = { judgedAt: report.endedAt, counts: {}, guests: [] }
    const written = ['hq', 'branch'].flatMap((site) =>
      [
        runMetrics('watched', { ...run, site }),
        coverageMetrics('watched', { ...judged, site }),
        verificationMetrics('watched', { archives: [], unread: [], endedAt: report.endedAt }, site),
      ].flatMap((line) => figuresOf(line ?? {})),
    )
    const asked = all('AWS::CloudWatch::Alarm').flatMap(([, { Properties }]) => {
      const { Namespace, MetricName, Dimensions } = Properties
      if (Namespace !== 'Guestlift') return []
      const dimensions = dimensionsSchema.parse(Dimensions).map(({ Name, Value }) => `${Name}=${String(Value)}`)
      return [[Namespace, String(MetricName), ...sorted(dimensions)].join(' ')]
    })
    expect(asked.length).toBe(5)
    expect(written).toEqual(expect.arrayContaining(asked))
  })

  it('are told apart by the deployment that the functions get from their environment', () => {
    const named = all('AWS::Lambda::Function').flatMap(([, { Properties }]) => {
      const { Variables } = z.object({ Variables: z.record(z.string(), z.unknown()) }).parse(Properties['Environment'])
      return 'DEPLOYMENT' in Variables ? [[Properties['FunctionName'], Variables['DEPLOYMENT']]] : []
    })
    expect(sorted(named.map(String))).toEqual([
      'guestlift-watched-judge-coverage,watched',
      'guestlift-watched-report-run,watched',
      'guestlift-watched-report-verification,watched',
    ])
  })
})

/** Every figure of a line in the embedded metric format, with its dimensions. */
function figuresOf(line: Record<string, unknown>): string[] {
  const { _aws } = z
    .looseObject({
      _aws: z.object({
        CloudWatchMetrics: z.array(
          z.object({
            Namespace: z.string(),
            Dimensions: z.array(z.array(z.string())),
            Metrics: z.array(z.object({ Name: z.string() })),
          }),
        ),
      }),
    })
    .parse(line)
  return _aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.map(({ Name }) =>
        [Namespace, Name, ...sorted(names.map((name) => `${name}=${String(line[name])}`))].join(' '),
      ),
    ),
  )
}

describe('a deployment that runs by itself', () => {
  const warningsOf = (config: DeploymentConfig) => {
    const stack = new ExportStack(
      new App({ context: { 'aws:cdk:bundling-stacks': [] } }),
      parseDeployment(config, 'test'),
    )
    return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('names nobody in notificationEmails'))
  }

  it('is warned about at synthesis when nobody is told of its failures', () => {
    const { notificationEmails: _, ...unwatchedConfig } = deployments.watched
    expect(warningsOf(unwatchedConfig)).toHaveLength(1)
    expect(warningsOf(deployments.watched)).toEqual([])
  })

  it('is not warned about while everything is switched off', () => {
    const off = { expression: 'rate(1 day)', enabled: false }
    expect(warningsOf({ name: 'off', sites: ['hq'], sweep: off, coverage: off, verification: off })).toEqual([])
  })
})
