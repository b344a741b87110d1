import type { Stack } from 'aws-cdk-lib'
import { Match } from 'aws-cdk-lib/assertions'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, it } from 'vitest'
import { coverageRequestSchema } from '../../functions/contracts/coverage.ts'
import { workflowNames } from '../../lib/workflow-names.ts'
import { readAgain } from '../../functions/domain/selection/request.ts'
import { type DeploymentName, deployments } from './deployments.ts'
import { sorted } from './sorted.ts'
import { synthesise } from './synthesise.ts'

describe('every deployment', () => {
  it.each(Object.keys(deployments) as DeploymentName[])('passes the AWS Solutions rules: %s', async (deployment) => {
    await expect(synthesise(deployment)).resolves.toBeDefined()
  })

  it('would not pass them with a queue that is open to plain HTTP', async () => {
    const spoil = (stack: Stack) => new Queue(stack, 'Open')
    await expect(synthesise('smallest', spoil)).rejects.toThrow(/AwsSolutions-SQS4/)
  })

  it('is told apart from others by its name', async () => {
    const { exports } = await synthesise('largest')
    expect(() =>
      exports.hasResourceProperties('AWS::StepFunctions::StateMachine', {
        StateMachineName: 'guestlift-large-export-run',
      }),
    ).not.toThrow()
    expect(() =>
      exports.hasResourceProperties('AWS::StepFunctions::StateMachine', {
        StateMachineName: 'guestlift-large-export-guest',
      }),
    ).not.toThrow()
  })

  it('tells the command line where its parts are', async () => {
    const { exports } = await synthesise('smallest')
    for (const output of [
      'ExportRunArn',
      'ExportGuestArn',
      'SweepUploadsArn',
      'JudgeCoverageArn',
      'VerifyArchivesArn',
      'ArchiveBucketName',
      'FailureTopicArn',
    ])
      expect(() => exports.hasOutput(output, {})).not.toThrow()
  })

  it('logs errors without execution data, and traces', async () => {
    const { exports } = await synthesise('smallest')
    expect(() =>
      exports.allResourcesProperties('AWS::StepFunctions::StateMachine', {
        LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
        TracingConfiguration: { Enabled: true },
      }),
    ).not.toThrow()
    expect(() =>
      exports.hasResourceProperties('AWS::Logs::LogGroup', {
        LogGroupName: '/aws/vendedlogs/states/guestlift-test-export-run',
      }),
    ).not.toThrow()
  })

  it('exports as many guests at a time as the configuration says', async () => {
    const { assembly } = await synthesise('largest')
    const { States } = assembly.machines.exportRun as { States: Record<string, unknown> }
    expect(States['Export each guest']).toMatchObject({ MaxConcurrency: 5, ToleratedFailurePercentage: 100 })
  })
})

describe('schedules', () => {
  it('start the run with the job and the time they were due', async () => {
    const { exports } = await synthesise('largest')
    const schedules = Object.values(exports.findResources('AWS::Scheduler::Schedule')).map((each) => each['Properties'])
    const nightly = schedules.find(({ Name }) => Name === 'nightly')
    expect(nightly).toMatchObject({
      ScheduleExpression: 'cron(0 2 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      State: 'ENABLED',
      FlexibleTimeWindow: { Mode: 'OFF' },
    })
    expect(JSON.parse(nightly?.Target.Input)).toEqual({
      site: 'hq',
      guests: { vmids: [100, 101] },
      limits: { timezone: 'UTC', windows: [] },
      backup: { mode: 'snapshot', compress: 'zstd', storage: 'local' },
      deleteSource: false,
      staging: { maxArchives: 4 },
      schedule: { name: 'nightly', scheduledAt: '<aws.scheduler.scheduled-time>' },
    })
    expect(nightly?.Target.DeadLetterConfig.Arn).toBeDefined()
    expect(schedules.find(({ Name }) => Name === 'hourly')).toMatchObject({ State: 'DISABLED' })
  })

  it('sweep abandoned uploads every day, unless the deployment says otherwise', async () => {
    const sweepOf = async (deployment: DeploymentName) => {
      const { exports } = await synthesise(deployment)
      const all = Object.values(exports.findResources('AWS::Scheduler::Schedule')).map((each) => each['Properties'])
      return all.find(({ Name }) => Name === 'sweep.uploads')
    }
    expect(await sweepOf('smallest')).toMatchObject({
      ScheduleExpression: 'rate(1 day)',
      State: 'ENABLED',
      Target: { Input: '{"dryRun":false}', DeadLetterConfig: { Arn: expect.anything() } },
    })
    expect(await sweepOf('notSwept')).toMatchObject({ ScheduleExpression: 'cron(0 12 ? * SUN *)', State: 'DISABLED' })
  })

  it('prune the archives of each site that has a retention, and of no other', async () => {
    const { exports } = await synthesise('largest')
    const all = Object.values(exports.findResources('AWS::Scheduler::Schedule')).map((each) => each['Properties'])
    const prunings = all.filter(({ Name }) => String(Name).startsWith('prune.'))
    expect(prunings).toMatchObject([
      { Name: 'prune.hq', ScheduleExpression: 'cron(0 6 * * ? *)', ScheduleExpressionTimezone: 'Europe/Berlin' },
    ])
    expect(JSON.parse(prunings[0]?.Target.Input)).toEqual({
      site: 'hq',
      retention: { 'keep-last': 3, timeZone: 'UTC', minimumArchives: 1, largestShare: 0.5 },
    })
    const { exports: others } = await synthesise('smallest')
    expect(JSON.stringify(others.findResources('AWS::Scheduler::Schedule'))).not.toContain('prune.')
  })

  it('judge the coverage of each site against the schedules that are switched on for it', async () => {
    const { exports } = await synthesise('coveredByThreeSchedules')
    const all = Object.values(exports.findResources('AWS::Scheduler::Schedule')).map((each) => each['Properties'])
    const checks = all.filter(({ Name }) => Name.startsWith('coverage.'))
    expect(checks.map(({ Name, State }) => [Name, State])).toEqual([
      ['coverage.hq', 'ENABLED'],
      ['coverage.branch', 'ENABLED'],
    ])
    const inputs = checks.map(({ Target }) => coverageRequestSchema.parse(JSON.parse(Target.Input)))
    expect(inputs[0]).toEqual({
      site: 'hq',
      rules: {
        everyHours: 24,
        graceHours: 3,
        shrunkBelow: 0.5,
        parkedTags: ['lab'],
        parkedIds: [],
        wholeSite: true,
      },
      schedules: [
        { name: 'nightly', everyHours: 24, guests: { vmids: [100, 101] } },
        // From Friday to Monday.
        { name: 'weekdays', everyHours: 72, guests: { all: true } },
      ],
    })
    expect(inputs[1]?.schedules).toEqual([])
  })

  it('verify what is due every day with the deployment’s own policy, unless the deployment says otherwise', async () => {
    const scheduleOf = async (deployment: DeploymentName) => {
      const { exports } = await synthesise(deployment)
      const all = Object.values(exports.findResources('AWS::Scheduler::Schedule')).map((each) => each['Properties'])
      return all.find(({ Name }) => Name === 'verify.archives')
    }
    expect(await scheduleOf('smallest')).toMatchObject({
      ScheduleExpression: 'rate(1 day)',
      State: 'ENABLED',
      Target: { Input: '{}', DeadLetterConfig: { Arn: expect.anything() } },
    })
    expect(await scheduleOf('notVerified')).toMatchObject({
      ScheduleExpression: 'cron(0 4 ? * SUN *)',
      State: 'DISABLED',
    })
  })

  it('may start the runs and what looks after the bucket, and nothing else', async () => {
    const { exports } = await synthesise('largest')
    const starts = Object.values(exports.findResources('AWS::IAM::Policy')).filter((policy) =>
      JSON.stringify(policy).includes('states:StartExecution'),
    )
    const scheduler = starts.filter((policy) => JSON.stringify(policy).includes('sqs:SendMessage'))
    // One role for each workflow that is scheduled.
    const started = scheduler.map((policy) =>
      JSON.stringify(policy).match(
        /"Ref":"(ExportRun|ExportGuest|JudgeCoverage|SweepUploads|PruneArchives|VerifyArchives)/g,
      ),
    )
    expect(sorted(started.map(String))).toEqual([
      '"Ref":"ExportRun',
      '"Ref":"JudgeCoverage',
      '"Ref":"PruneArchives',
      '"Ref":"SweepUploads',
      '"Ref":"VerifyArchives',
    ])
  })
})

describe('the larger runner', () => {
  it('reads archives in CodeBuild with the bundle of Verify deep, may write their verdicts alone, and has no privileges', async () => {
    const { exports } = await synthesise('keptUnderPrefix')
    const [project] = Object.values(exports.findResources('AWS::CodeBuild::Project'))
    const verify = Object.values(exports.findResources('AWS::Lambda::Function')).find(
      (each) => each['Metadata']['guestlift:stem'] === 'verify-deep',
    )
    const { Source, Environment, TimeoutInMinutes, Artifacts } = project?.['Properties'] ?? {}
    expect(JSON.stringify(Source.Location)).toContain(`/${verify?.['Properties'].Code.S3Key}`)
    expect(Environment).toMatchObject({
      Type: 'LINUX_CONTAINER',
      Image: 'aws/codebuild/amazonlinux-x86_64-standard:6.0',
      ComputeType: 'BUILD_GENERAL1_SMALL',
      PrivilegedMode: false,
    })
    expect(Environment.EnvironmentVariables).toContainEqual({ Name: 'KEY_PREFIX', Value: 'vm/' })
    expect([TimeoutInMinutes, Artifacts]).toEqual([2160, { Type: 'NO_ARTIFACTS' }])
    const [policy] = Object.entries(exports.findResources('AWS::IAM::Policy')).flatMap(([id, each]) =>
      id.startsWith('LargerRunner') ? [JSON.stringify(each)] : [],
    )
    // A verdict that came too late, after its archive was pruned, is taken back.
    const written = new Set(policy?.match(/s3:(Put|Delete)\w+/g))
    expect([...written].toSorted()).toEqual(['s3:DeleteObject', 's3:PutObject'])
    const statements = JSON.parse(policy ?? '{}').Properties.PolicyDocument.Statement as {
      Action: string[]
      Resource: unknown
    }[]
    const resources = statements
      .filter(({ Action }) => /s3:(Put|Delete)/.test(JSON.stringify(Action)))
      .flatMap(({ Resource }) => [...JSON.stringify(Resource).matchAll(/\/vm\/[^"]+/g)].map(String))
    expect(resources.toSorted()).toEqual([
      '/vm/archives/*/*.index.zst',
      '/vm/archives/*/verification.json',
      '/vm/verifications/*/verdicts/*',
    ])
  })

  it('runs on ARM, which is cheaper, in regions that are known to have it', async () => {
    const { exports } = await synthesise('largest')
    expect(() =>
      exports.hasResourceProperties('AWS::CodeBuild::Project', {
        Environment: { Type: 'ARM_CONTAINER', Image: 'aws/codebuild/amazonlinux-aarch64-standard:4.0' },
      }),
    ).not.toThrow()
  })

  it('is not made where the deployment wants none, and nothing refers to it', async () => {
    const { exports, assembly } = await synthesise('withoutRunner')
    expect(() => exports.resourceCountIs('AWS::CodeBuild::Project', 0)).not.toThrow()
    expect(JSON.stringify(assembly.machines.verifyArchives)).not.toContain('codebuild:')
    expect(JSON.stringify(assembly.machines.verifyArchives)).toContain('Left for another machine')
  })
})

describe('failure notices', () => {
  it('cover executions that failed, ran out of time or were stopped', async () => {
    const { exports } = await synthesise('smallest')
    const upkeep = ['SweepUploads', 'VerifyArchives', 'PruneArchives', 'JudgeCoverage']
    const restores = ['RestoresRestoreGuest', 'RestoresCleanUpRestore', 'RestoresRestoreDrill']
    const others = ['ExportGuest', ...upkeep, ...restores, 'CleanUp']
    for (const machines of [['ExportRun'], others]) {
      expect(() =>
        exports.hasResourceProperties('AWS::Events::Rule', {
          EventPattern: {
            source: ['aws.states'],
            'detail-type': ['Step Functions Execution Status Change'],
            detail: {
              status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
              stateMachineArn: machines.map((name) => ({ Ref: Match.stringLikeRegexp(`^${name}`) })),
            },
          },
          Targets: [
            Match.objectLike({
              DeadLetterConfig: Match.anyValue(),
              InputTransformer: Match.objectLike({
                InputPathsMap: Match.objectLike({ 'detail-error': '$.detail.error', 'detail-cause': '$.detail.cause' }),
              }),
            }),
          ],
        }),
      ).not.toThrow()
    }
  })

  it('hold the input and the command that repeat what was not archived, which Authenticate understands', async () => {
    const { exports } = await synthesise('smallest')
    const rules = exports.findResources('AWS::Events::Rule')
    const [run] = Object.entries(rules).flatMap(([id, rule]) => (id.includes('RunEnded') ? [rule] : []))
    const lines = JSON.stringify(run?.['Properties'].Targets[0].InputTransformer.InputTemplate)
    const event = { name: 'nightly-7', startDate: '1795312800000', executionArn: 'arn:x' }
    const mail = Object.entries(event)
      .reduce((text, [name, value]) => text.replaceAll(`<detail-${name}>`, value), lines)
      .replaceAll('\\', '')
    const [, input = ''] = /with this input: (\{.*?\}\})/.exec(mail) ?? []
    expect(readAgain(JSON.parse(input))).toEqual({ run: 'nightly-7', startedAt: 1_795_312_800_000 })
    expect(mail).toContain('npx guestlift run --deployment test --again arn:x')
    expect(mail).not.toMatch(/(?<!not )redrive/)
  })

  it('start the clean-up when a run or a guest was stopped or ran out of time, and tell how it went', async () => {
    const { exports } = await synthesise('smallest')
    const detail = (status: string[], machines: string[]) => ({
      status,
      stateMachineArn: machines.map((name) => ({ Ref: Match.stringLikeRegexp(`^${name}`) })),
    })
    expect(() =>
      exports.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: { detail: detail(['ABORTED', 'TIMED_OUT'], ['ExportRun', 'ExportGuest']) },
        Targets: [
          {
            Arn: { Ref: Match.stringLikeRegexp('^CleanUp') },
            Id: Match.anyValue(),
            InputPath: '$.detail',
            RoleArn: Match.anyValue(),
            DeadLetterConfig: Match.anyValue(),
          },
        ],
      }),
    ).not.toThrow()
    expect(() =>
      exports.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: { detail: detail(['SUCCEEDED'], ['CleanUp']) },
        Targets: [
          Match.objectLike({
            InputTransformer: Match.objectLike({ InputPathsMap: { 'detail-executionArn': '$.detail.executionArn' } }),
          }),
        ],
      }),
    ).not.toThrow()
  })

  it('go to an encrypted topic that its senders may use, over TLS only', async () => {
    const { exports } = await synthesise('largest')
    expect(() => exports.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() })).not.toThrow()
    expect(() => exports.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true })).not.toThrow()
    const [key] = Object.values(exports.findResources('AWS::KMS::Key'))
    for (const service of ['events.amazonaws.com', 'cloudwatch.amazonaws.com'])
      expect(JSON.stringify(key)).toContain(service)
    expect(() =>
      exports.hasResourceProperties('AWS::SNS::TopicPolicy', {
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          ]),
        },
      }),
    ).not.toThrow()
    expect(() =>
      exports.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' }),
    ).not.toThrow()
  })

  it('tell of schedules that started nothing, of lost notices, and of a long time without success, of all sites and of each', async () => {
    const { exports } = await synthesise('largest')
    expect(() =>
      exports.resourceCountIs('AWS::CloudWatch::Alarm', 8 + 3 * Object.keys(workflowNames).length),
    ).not.toThrow()
    expect(() =>
      exports.hasResourceProperties('AWS::CloudWatch::Alarm', {
        // Not Step Functions' count of executions: a schedule's second delivery succeeds with nothing to do.
        Namespace: 'Guestlift',
        MetricName: 'RunsSucceeded',
        Dimensions: [{ Name: 'Deployment', Value: 'large' }],
        EvaluationPeriods: 26,
        Period: 3600,
        TreatMissingData: 'breaching',
      }),
    ).not.toThrow()
    for (const site of ['hq', 'branch']) {
      expect(() =>
        exports.hasResourceProperties('AWS::CloudWatch::Alarm', {
          Namespace: 'Guestlift',
          MetricName: 'GuestsArchived',
          Dimensions: [
            { Name: 'Deployment', Value: 'large' },
            { Name: 'Site', Value: site },
          ],
          EvaluationPeriods: 26,
          // A dead schedule writes no figures at all.
          TreatMissingData: 'breaching',
        }),
      ).not.toThrow()
    }
    expect(() =>
      exports.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [Match.anyValue()] }),
    ).not.toThrow()
  })
})

describe('the alarm about uncovered guests', () => {
  const alarmsOf = async (deployment: DeploymentName) => {
    const { exports } = await synthesise(deployment)
    return Object.values(exports.findResources('AWS::CloudWatch::Alarm'))
      .map((each) => each['Properties'])
      .filter(({ MetricName }) => MetricName === 'GuestsUncovered')
  }

  it.each([
    ['smallest', 6 * 3600],
    ['coveredEvery20Minutes', 20 * 60],
    ['coveredEvery90Minutes', 2 * 3600],
    ['coveredOnWeekdays', 72 * 3600],
    ['coveredOnSundays', 168 * 3600],
  ] as const)('looks at one check each, and takes none for the worst: %s', async (deployment, seconds) => {
    expect(await alarmsOf(deployment)).toMatchObject([
      {
        Dimensions: [
          { Name: 'Deployment', Value: 'test' },
          { Name: 'Site', Value: 'hq' },
        ],
        Period: seconds,
        EvaluationPeriods: 1,
        Statistic: 'Maximum',
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'breaching',
      },
    ])
  })

  it('is not made where nobody checks', async () => {
    expect(await alarmsOf('notCovered')).toEqual([])
  })
})

describe('a VPC', () => {
  it('holds exactly the functions that talk to a site', async () => {
    const { exports } = await synthesise('largest')
    const outside = Object.values(exports.findResources('AWS::Lambda::Function'))
      .filter((each) => !('VpcConfig' in each['Properties']))
      .map((each) => each['Properties'].FunctionName)
    expect(sorted(outside)).toEqual([
      'guestlift-large-apply-retention',
      'guestlift-large-find-leftovers',
      'guestlift-large-plan-restore',
      'guestlift-large-plan-verification',
      'guestlift-large-prune-archives',
      'guestlift-large-report-drill',
      'guestlift-large-report-run',
      'guestlift-large-report-verification',
      'guestlift-large-sweep-uploads',
      'guestlift-large-thaw-archive',
      'guestlift-large-unpack-disks',
      'guestlift-large-verify-archive',
      'guestlift-large-verify-deep',
      'guestlift-large-write-catalogue',
      'guestlift-large-write-manifest',
    ])
    expect(() =>
      exports.hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: 'guestlift-large-copy-parts',
        VpcConfig: {
          SubnetIds: ['subnet-0123456789abcdef1', 'subnet-0123456789abcdef2'],
          SecurityGroupIds: ['sg-0123456789abcdef0'],
        },
      }),
    ).not.toThrow()
  })

  it('lets Lambda attach them with their roles, and their own code touch no network', async () => {
    const { exports } = await synthesise('largest')
    const [policy] = Object.entries(exports.findResources('AWS::IAM::Policy')).flatMap(([id, each]) =>
      id.startsWith('FunctionsCopyParts') ? [each['Properties'].PolicyDocument.Statement] : [],
    )
    const network = (policy as { Action: string | string[] }[]).filter(({ Action }) => /ec2:/.test(String(Action)))
    expect(network).toMatchObject([
      { Effect: 'Allow', Action: expect.arrayContaining(['ec2:CreateNetworkInterface']) },
      {
        Effect: 'Deny',
        Action: expect.arrayContaining(['ec2:CreateNetworkInterface']),
        Condition: {
          ArnEquals: {
            'lambda:SourceFunctionArn': 'arn:aws:lambda:eu-central-1:123456789012:function:guestlift-large-copy-parts',
          },
        },
      },
    ])
    expect(JSON.stringify(exports.toJSON())).not.toContain('AWSLambdaVPCAccessExecutionRole')
  })

  it('carries archive bytes over a gateway endpoint, and no NAT gateway is made', async () => {
    const { exports } = await synthesise('largest')
    expect(() =>
      exports.hasResourceProperties('AWS::EC2::VPCEndpoint', {
        VpcEndpointType: 'Gateway',
        RouteTableIds: ['rtb-0123456789abcdef0'],
        VpcId: 'vpc-0123456789abcdef0',
      }),
    ).not.toThrow()
    expect(() => exports.resourceCountIs('AWS::EC2::NatGateway', 0)).not.toThrow()
  })

  it('is not made unless asked for', async () => {
    const { exports } = await synthesise('smallest')
    expect(JSON.stringify(exports.toJSON())).not.toContain('AWS::EC2')
  })
})
