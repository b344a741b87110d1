/** What a company's account demands of each resource: tags, a boundary of roles, and a topic that is there already. */
import type { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type DeploymentConfig, DeploymentConfigError, parseDeployment } from '../../lib/deployment-config.ts'
import { deployments } from './deployments.ts'
import { sorted } from './sorted.ts'
import { synthesise } from './synthesise.ts'

type Resource = Readonly<{ Type: string; Properties: Record<string, unknown> }>

function resourcesOf(...templates: Template[]): Resource[] {
  const properties = z.record(z.string(), z.unknown()).default({})
  const schema = z.object({
    Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: properties })),
  })
  return templates.flatMap((template) => Object.values(schema.parse(template.toJSON()).Resources))
}

function refusalOf(config: DeploymentConfig): string {
  try {
    parseDeployment(config, 'the test')
  } catch (error) {
    if (error instanceof DeploymentConfigError) return error.message
    throw error
  }
  return ''
}

/** CloudFormation gives these no tags. */
const withoutTags = [
  'AWS::EC2::VPCEndpoint',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::Lambda::Permission',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::Schedule',
]

describe('tags of a deployment', () => {
  it('are on every resource that can have some, the bucket too', async () => {
    const { storage, exports } = await synthesise('largest')
    const missing = resourcesOf(storage, exports).filter(({ Properties }) => {
      const text = JSON.stringify(Properties['Tags'] ?? '')
      return !(text.includes('cost-centre') && text.includes('4711') && text.includes('platform'))
    })
    expect(sorted(missing.map(({ Type }) => Type)).filter((type) => !withoutTags.includes(type))).toEqual([])
  })

  it.each([
    ['aws:team', 'x', 'AWS keeps names of tags with aws: for itself'],
    ['te*m', 'x', 'the name of a tag has letters, digits, blanks and _ . : / = + - @'],
    ['team', 'a;b', 'the value of a tag has letters, digits, blanks and _ . : / = + - @'],
  ])('that AWS would refuse are refused before: %s', (name, value, why) => {
    expect(refusalOf({ ...deployments.smallest, tags: { [name]: value } })).toContain(why)
  })
})

describe('a permissions boundary', () => {
  it('bounds every role', async () => {
    const { exports } = await synthesise('largest')
    const roles = resourcesOf(exports).filter(({ Type }) => Type === 'AWS::IAM::Role')
    expect(roles.length).toBeGreaterThan(20)
    expect([...new Set(roles.map(({ Properties }) => Properties['PermissionsBoundary']))]).toEqual([
      'arn:aws:iam::123456789012:policy/boundary',
    ])
  })

  it('is refused where it is no ARN of a policy', () => {
    expect(refusalOf({ ...deployments.smallest, permissionsBoundary: 'boundary' })).toContain(
      'a boundary is the ARN of a managed policy',
    )
  })
})

describe('an existing topic', () => {
  it('hears of all alarms and notices, and no other topic or key is made', async () => {
    const { exports } = await synthesise('toldElsewhere')
    const { topicArn } = deployments.toldElsewhere
    const resources = resourcesOf(exports)
    expect(
      resources.filter(({ Type }) => /^AWS::(SNS::Topic|SNS::TopicPolicy|SNS::Subscription|KMS::Key)$/.test(Type)),
    ).toEqual([])
    const alarms = resources.filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
    expect(alarms.length).toBeGreaterThan(5)
    expect([...new Set(alarms.flatMap(({ Properties }) => Properties['AlarmActions']))]).toEqual([topicArn])
    const targets = resources
      .filter(({ Type }) => Type === 'AWS::Events::Rule')
      .flatMap(({ Properties }) => z.array(z.looseObject({ Arn: z.unknown() })).parse(Properties['Targets']))
    expect(targets.filter(({ Arn }) => Arn === topicArn)).toHaveLength(3)
  })

  it.each([
    [{ region: 'eu-west-1' }, "notices can't go to this topic: it is in eu-central-1, and the deployment in eu-west-1"],
    [{ account: '210987654321' }, 'it is of account 123456789012, and the deployment of 210987654321'],
    [{ notificationEmails: ['ops@example.com'] }, 'addresses are subscribed at the topic of topicArn, by its owner'],
    [{ topicArn: 'arn:aws:sns:eu-central-1:123456789012:alerts.fifo' }, 'is not a FIFO topic'],
  ])('is refused where nothing would arrive: %j', (change, why) => {
    expect(refusalOf({ ...deployments.toldElsewhere, ...change })).toContain(why)
  })
})
