/** What services do for a deployment, judged by its roles, the policies of what they meet, and the events that they send. */
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Context } from '../../local/iam/conditions.ts'
import { evaluate, type Principal, refusal } from '../../local/iam/evaluate.ts'
import { readPolicy, type Statement } from '../../local/iam/policy.ts'
import { logicalId, resolved, resourceStatements, roleStatements } from '../../local/iam/roles.ts'
import { keyOf, localArn, machineArn, type Template, templateSchema, text } from '../../local/run/template-values.ts'
import { type WorkflowKey, workflowNames } from '../../lib/workflow-names.ts'
import { synthesise, type Synthesised } from './synthesise.ts'
import { statesOf } from './workflows/asl.ts'

const ACCOUNT = '000000000000'
let synthesised: Synthesised
let template: Template
let roles: Map<string, Statement[]>

beforeAll(async () => {
  synthesised = await synthesise('smallest')
  template = templateSchema.parse(synthesised.exports.toJSON())
  roles = roleStatements(template.Resources, resolve)
})

function resolve(value: unknown): string {
  const storage = templateSchema.parse(synthesised.storage.toJSON())
  const exported = Object.values(storage.Outputs).map(
    ({ Value, Export }) => [Export?.Name ?? '', { template: storage, Value }] as const,
  )
  return text(value, template, { archiveBucket: 'archives', exported: new Map(exported), anyResource: true })
}

function all(type: string): [string, Record<string, unknown>][] {
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) =>
    Type === type ? [[id, Properties]] : [],
  )
}

/** What a role may not do; empty when it may do all of it. */
function roleLacks(roleId: string, ...wanted: (readonly [string, string])[]): string[] {
  const principal: Principal = { arn: roleId, kind: 'AWS', names: [], account: [ACCOUNT] }
  return lacks(principal, roles.get(roleId) ?? [], [], wanted)
}

function lacks(
  principal: Principal,
  identity: readonly Statement[],
  resource: readonly Statement[],
  wanted: readonly (readonly [string, string])[],
  context: Context = {},
): string[] {
  return wanted.flatMap(([action, about]) => {
    const request = { principal, action, resource: about, context: { 'aws:securetransport': 'true', ...context } }
    const decision = evaluate(request, { identity, resource })
    return decision.allowed ? [] : [refusal(request, decision)]
  })
}

const service = (name: string): Principal => ({ arn: name, kind: 'Service', names: [name], account: [] })

/** Why a service may not take a role on, sending what its documentation says. */
function notTrusted(roleId: string, name: string, sourceArn: string): string[] {
  const document = template.Resources[roleId]?.Properties['AssumeRolePolicyDocument']
  const trust = readPolicy(resolved(document, resolve), 'trust')
  const context = { 'aws:sourceaccount': ACCOUNT, 'aws:sourcearn': sourceArn }
  return lacks(service(name), [], trust, [['sts:AssumeRole', roleId]], context)
}

function machines(): { id: string; key: WorkflowKey; role: string }[] {
  return Object.entries(template.Resources).flatMap(([id, { Properties, Metadata }]) => {
    const key = keyOf(Metadata['guestlift:workflow'])
    return key === undefined ? [] : [{ id, key, role: logicalId(Properties['RoleArn']) }]
  })
}

const mapFiles = z.looseObject({
  ItemReader: z.looseObject({ Arguments: z.looseObject({ Bucket: z.string(), Key: z.string() }) }).optional(),
  ResultWriter: z
    .looseObject({ Arguments: z.looseObject({ Bucket: z.string(), Prefix: z.string() }).optional() })
    .optional(),
})

/** A key as it comes out: `{% $folder & 'map' %}` of a run. What stands in the text decides the folder. */
const RUN = 'runs/2026/11/22/run-1/'

describe('workflows may, by their roles,', () => {
  it('call each function and start each build that their states name', () => {
    expect(machines()).toHaveLength(Object.keys(workflowNames).length)
    const gaps = machines().flatMap(({ key, role }) => {
      const tasks = statesOf(synthesised.assembly.machines[key]).filter(([, { Type }]) => Type === 'Task')
      expect(tasks.length).toBeGreaterThan(0)
      return tasks.flatMap(([, { Arguments = {}, Resource }]) => {
        if (String(Resource).endsWith(':lambda:invoke'))
          return roleLacks(role, ['lambda:InvokeFunction', String(Arguments.FunctionName)])
        if (String(Resource).endsWith(':codebuild:startBuild.sync')) {
          const project = localArn('codebuild', `project/${String(Arguments['ProjectName'])}`)
          const rule = localArn('events', 'rule/StepFunctionsGetEventForCodeBuildStartBuildRule')
          return roleLacks(
            role,
            ...['codebuild:StartBuild', 'codebuild:StopBuild', 'codebuild:BatchGetBuilds'].map(
              (action) => [action, project] as const,
            ),
            ...['events:PutTargets', 'events:PutRule', 'events:DescribeRule'].map((action) => [action, rule] as const),
          )
        }
        if (String(Resource).endsWith(':aws-sdk:sfn:describeExecution')) {
          const executions = ['exportRun:run-1', 'exportRun/Label:child', 'exportGuest:guest-1']
          return roleLacks(
            role,
            ...executions.map((name) => ['states:DescribeExecution', localArn('states', `execution:${name}`)] as const),
          )
        }
        if (String(Resource).endsWith(':states:startExecution.sync:2')) {
          const machine = String(Arguments['StateMachineArn'])
          const execution = `${machine.replace(':stateMachine:', ':execution:')}:drill-1-100`
          const rule = localArn('events', 'rule/StepFunctionsGetEventsForStepFunctionsExecutionRule')
          return roleLacks(
            role,
            ['states:StartExecution', machine],
            ['states:DescribeExecution', execution],
            ['states:StopExecution', execution],
            ...['events:PutTargets', 'events:PutRule', 'events:DescribeRule'].map((action) => [action, rule] as const),
          )
        }
        return [`${String(Resource)} is judged by nothing here`]
      })
    })
    expect(gaps).toEqual([])
  })

  it('start, watch and stop their own children, read their items and write their results', () => {
    const gaps = machines().flatMap(({ key, role }) =>
      statesOf(synthesised.assembly.machines[key])
        .filter(([, { ItemProcessor }]) => ItemProcessor?.ProcessorConfig.Mode === 'DISTRIBUTED')
        .flatMap(([, state]) => {
          const { ItemReader: reader, ResultWriter: writer } = mapFiles.parse(state)
          const folder = key === 'verifyArchives' ? RUN.replace('runs', 'verifications') : RUN
          const results = `arn:aws:s3:::archives/${folder}map/run/SUCCEEDED_0.json`
          const writing = ['PutObject', 'GetObject', 'ListMultipartUploadParts', 'AbortMultipartUpload']
          return roleLacks(
            role,
            ['states:StartExecution', machineArn(key)],
            ['states:DescribeExecution', localArn('states', `execution:${key}/Label:child`).replace(/\/Label/, '')],
            ['states:StopExecution', localArn('states', `execution:${key}:run`)],
            ...(reader === undefined ? [] : [['s3:GetObject', `arn:aws:s3:::archives/${folder}plan.json`] as const]),
            ...(writer?.Arguments === undefined ? [] : writing.map((action) => [`s3:${action}`, results] as const)),
          )
        }),
    )
    expect(gaps).toEqual([])
  })
})

describe('roles are taken on by the service that uses them, and by no other', () => {
  it('functions, workflows and builds', () => {
    const used = [
      ...all('AWS::Lambda::Function').map(
        ([id, { Role }]) => [Role, 'lambda.amazonaws.com', localArn('lambda', id)] as const,
      ),
      ...machines().map(({ role, key }) => [{ Ref: role }, 'states.amazonaws.com', machineArn(key)] as const),
      ...all('AWS::CodeBuild::Project').map(
        ([id, { ServiceRole }]) => [ServiceRole, 'codebuild.amazonaws.com', localArn('codebuild', id)] as const,
      ),
    ]
    expect(used.length).toBeGreaterThan(30)
    expect(used.flatMap(([role, name, source]) => notTrusted(logicalId(role), name, source))).toEqual([])
    for (const [role, , source] of used)
      expect(notTrusted(logicalId(role), 'ec2.amazonaws.com', source)).toHaveLength(1)
  })

  it('schedules, which start their workflow or tell their queue', () => {
    const schedules = all('AWS::Scheduler::Schedule')
    expect(schedules.length).toBeGreaterThan(1)
    const [group] = all('AWS::Scheduler::ScheduleGroup').map(([id]) => id)
    const target = z.looseObject({
      Arn: z.unknown(),
      RoleArn: z.unknown(),
      DeadLetterConfig: z.object({ Arn: z.unknown() }),
    })
    const gaps = schedules.flatMap(([, { Target }]) => {
      const { Arn, RoleArn, DeadLetterConfig } = target.parse(Target)
      return [
        ...notTrusted(logicalId(RoleArn), 'scheduler.amazonaws.com', localArn('scheduler', group ?? '')),
        ...roleLacks(
          logicalId(RoleArn),
          ['states:StartExecution', resolve(Arn)],
          ['sqs:SendMessage', resolve(DeadLetterConfig.Arn)],
        ),
      ]
    })
    expect(gaps).toEqual([])
  })
})

const ruleTargets = z.array(
  z.looseObject({
    Arn: z.unknown(),
    RoleArn: z.unknown().optional(),
    DeadLetterConfig: z.object({ Arn: z.unknown() }),
  }),
)

describe('what lies between an event or an alarm and a person lets it through', () => {
  it('rules: their target and the queue for what could not be delivered, whatever is denied there', () => {
    const queues = resourceStatements(template.Resources, 'AWS::SQS::QueuePolicy', resolve)
    const topics = resourceStatements(template.Resources, 'AWS::SNS::TopicPolicy', resolve)
    const events = service('events.amazonaws.com')
    const gaps = all('AWS::Events::Rule').flatMap(([id, { Targets }]) =>
      ruleTargets.parse(Targets).flatMap(({ Arn, RoleArn, DeadLetterConfig }) => {
        const from = { 'aws:sourcearn': resolve({ 'Fn::GetAtt': [id, 'Arn'] }) }
        const queue = lacks(events, [], queues, [['sqs:SendMessage', resolve(DeadLetterConfig.Arn)]], from)
        // EventBridge sends no source to SNS.
        const target =
          RoleArn === undefined
            ? [...lacks(events, [], topics, [['sns:Publish', resolve(Arn)]]), ...keyLacks('events.amazonaws.com', {})]
            : [
                ...notTrusted(logicalId(RoleArn), 'events.amazonaws.com', from['aws:sourcearn']),
                ...roleLacks(logicalId(RoleArn), ['states:StartExecution', resolve(Arn)]),
              ]
        return [...queue, ...target]
      }),
    )
    expect(gaps).toEqual([])
  })

  it('alarms: the topic and its key', () => {
    const topics = resourceStatements(template.Resources, 'AWS::SNS::TopicPolicy', resolve)
    const alarms = all('AWS::CloudWatch::Alarm')
    expect(alarms.length).toBeGreaterThan(10)
    const gaps = alarms.flatMap(([id, { AlarmActions, OKActions = [] }]) => {
      const from = { 'aws:sourceaccount': ACCOUNT, 'aws:sourcearn': localArn('cloudwatch', id) }
      const actions = z.array(z.unknown()).parse([AlarmActions, OKActions].flat())
      return [
        ...lacks(
          service('cloudwatch.amazonaws.com'),
          [],
          topics,
          actions.map((topic) => ['sns:Publish', resolve(topic)] as const),
          from,
        ),
        ...keyLacks('cloudwatch.amazonaws.com', from),
      ]
    })
    expect(gaps).toEqual([])
  })
})

function keyLacks(name: string, context: Context): string[] {
  return all('AWS::KMS::Key').flatMap(([id, { KeyPolicy }]) => {
    const policy = readPolicy(resolved(KeyPolicy, resolve), 'resource')
    const wanted = ['kms:Decrypt', 'kms:GenerateDataKey'].map((action) => [action, localArn('kms', id)] as const)
    return lacks(service(name), [], policy, wanted, context)
  })
}

/** As Step Functions sends it ("Step Functions Execution Status Change" in its guide), input and output left out. */
function statusChange(key: string, status: string): Record<string, unknown> {
  return {
    version: '0',
    id: '315c1398-40ff-a850-213b-158f73e60175',
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account: ACCOUNT,
    region: 'local',
    detail: {
      executionArn: localArn('states', `execution:${key}:name`),
      stateMachineArn: localArn('states', `stateMachine:${key}`),
      name: 'name',
      status,
      startDate: 1_551_225_271_984,
      stopDate: status === 'RUNNING' ? null : 1_551_225_272_984,
    },
  }
}

/** EventBridge's patterns of plain values: each field named must be one of these. Any other kind is an error. */
function matches(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) {
    if (pattern.some((each) => typeof each === 'object')) throw new Error('a kind of pattern that is not judged here')
    return pattern.includes(event)
  }
  return Object.entries(pattern as object).every(
    ([name, each]) =>
      typeof event === 'object' && event !== null && matches(each, (event as Record<string, unknown>)[name]),
  )
}

describe('the patterns of rules', () => {
  const rulesFor = (key: string, status: string): string[] =>
    all('AWS::Events::Rule').flatMap(([id, { EventPattern }]) =>
      matches(resolved(EventPattern, resolve), statusChange(key, status)) ? [id.replace(/[0-9A-F]{8}$/, '')] : [],
    )

  it('take each ending of each workflow that a person or the clean-up must hear of', () => {
    for (const status of ['FAILED', 'TIMED_OUT', 'ABORTED']) {
      const stopped = status === 'FAILED' ? [] : ['CleanUpStopped']
      expect(rulesFor('exportRun', status)).toEqual([...stopped, 'FailureNoticeRunEnded'])
      expect(rulesFor('exportGuest', status)).toEqual([...stopped, 'FailureNoticeExecutionEnded'])
      const cleaned = status === 'FAILED' ? [] : ['RestoresStopped']
      expect(rulesFor('restoreGuest', status).toSorted()).toEqual(['FailureNoticeExecutionEnded', ...cleaned])
      for (const { key } of machines().filter((each) => !/^(export|restore)/.test(each.key)))
        expect(rulesFor(key, status)).toEqual(['FailureNoticeExecutionEnded'])
    }
    expect(rulesFor('cleanUpRun', 'SUCCEEDED')).toEqual(['FailureNoticeCleanedUp'])
  })

  it('take nothing of what goes well, of the children of a map, and of workflows that are not ours', () => {
    for (const { key } of machines()) expect(rulesFor(key, 'RUNNING')).toEqual([])
    for (const { key } of machines().filter((each) => each.key !== 'cleanUpRun'))
      expect(rulesFor(key, 'SUCCEEDED')).toEqual([])
    expect(rulesFor('exportRun/ExportEachGuest', 'FAILED')).toEqual([])
    expect(rulesFor('somebody-elses', 'FAILED')).toEqual([])
  })
})
