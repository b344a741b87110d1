import { GetSnapshotBlockCommand, ListSnapshotBlocksCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs'
import { CreateSnapshotsCommand, DeleteSnapshotCommand, DescribeRegionsCommand } from '@aws-sdk/client-ec2'
import { XMLParser } from 'fast-xml-parser'
import { describe, expect, it } from 'vitest'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import type { AskedRight } from '../../../../local/labs/ec2/rights.ts'
import type { InstanceSpec } from '../../../../local/labs/ec2/account.ts'
import { type RawAnswer, signedRequest } from './signed.ts'
import { type Key, refusal, vendorSite } from './vendor.ts'

const INSTANCE: InstanceSpec = {
  id: 'i-0123456789abcdef0',
  tags: { team: 'shop' },
  volumes: [{ id: 'vol-0aaaaaaaaaaaaaaa1', device: '/dev/xvda', sizeGiB: 1, content: seededContent([0], 1) }],
}

const freeze = new CreateSnapshotsCommand({
  InstanceSpecification: { InstanceId: INSTANCE.id },
  TagSpecifications: [{ ResourceType: 'snapshot', Tags: [{ Key: 'guestlift:site', Value: 'aws-main' }] }],
})

const ROLE = 'arn:aws:iam::111122223333:role/guestlift-backup'

const sts = (url: string, key: Key, form: Record<string, string>, at?: Date): Promise<RawAnswer> =>
  signedRequest(url, key, {
    service: 'sts',
    form: { Version: '2011-06-15', ...form },
    ...(at === undefined ? {} : { at }),
  })

const assume = (externalId?: string): Record<string, string> => ({
  Action: 'AssumeRole',
  RoleArn: ROLE,
  RoleSessionName: 'guestlift',
  ...(externalId === undefined ? {} : { ExternalId: externalId }),
})

function sessionIn(text: string): { key: Key; expiration: string } {
  const parsed = new XMLParser().parse(text) as {
    AssumeRoleResponse: { AssumeRoleResult: { Credentials: Record<string, string> } }
  }
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } =
    parsed.AssumeRoleResponse.AssumeRoleResult.Credentials
  return {
    key: {
      accessKeyId: AccessKeyId ?? '',
      secretAccessKey: SecretAccessKey ?? '',
      sessionToken: SessionToken ?? '',
    },
    expiration: Expiration ?? '',
  }
}

describe('rights', () => {
  it('are asked for each resource, with the tags that it has and gets', async () => {
    const asked: AskedRight[] = []
    const { ec2 } = await vendorSite({
      instances: [INSTANCE],
      authorize: (right) => {
        asked.push(right)
        return true
      },
    })
    await ec2.send(freeze)
    const said = asked.map(({ action, resource, context }) => ({ action, resource, context }))
    expect(said).toMatchObject([
      {
        action: 'ec2:CreateSnapshots',
        resource: 'arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0',
        context: { 'aws:ResourceTag/team': ['shop'] },
      },
      { action: 'ec2:CreateSnapshots', resource: 'arn:aws:ec2:eu-central-1:111122223333:volume/vol-0aaaaaaaaaaaaaaa1' },
      {
        action: 'ec2:CreateSnapshots',
        resource: 'arn:aws:ec2:eu-central-1::snapshot/*',
        context: { 'aws:RequestTag/guestlift:site': ['aws-main'], 'aws:TagKeys': ['guestlift:site'] },
      },
      {
        action: 'ec2:CreateTags',
        resource: 'arn:aws:ec2:eu-central-1::snapshot/*',
        context: { 'ec2:CreateAction': ['CreateSnapshots'] },
      },
    ])
  })

  it('that are missing change nothing, and are named as AWS names them', async () => {
    const { lab, ec2, ebs } = await vendorSite({
      instances: [INSTANCE],
      settings: { snapshotAsks: 0 },
      authorize: ({ action, context }) =>
        !['ec2:DeleteSnapshot', 'ebs:ListSnapshotBlocks'].includes(action) ||
        context['aws:ResourceTag/guestlift:site']?.[0] === 'aws-main',
    })
    const ours = (await ec2.send(freeze)).Snapshots?.[0]?.SnapshotId
    const plain = new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: INSTANCE.id } })
    const SnapshotId = (await ec2.send(plain)).Snapshots?.[0]?.SnapshotId
    const refused = await refusal(ec2.send(new DeleteSnapshotCommand({ SnapshotId })))
    expect(refused).toMatchObject({ name: 'UnauthorizedOperation', status: 403 })
    expect(refused.message).toContain(`perform: ec2:DeleteSnapshot on resource: arn:aws:ec2:eu-central-1::snapshot/`)
    const listing = await refusal(ebs.send(new ListSnapshotBlocksCommand({ SnapshotId })))
    expect(listing).toMatchObject({ name: 'AccessDeniedException', status: 403, reason: 'UNAUTHORIZED_ACCOUNT' })
    expect(lab.control.snapshots()).toHaveLength(2)
    await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: ours }))
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: ours }))
  })

  it('that hang on tags are missing for what is gone, or that is simply not there: AWS may do either', async () => {
    const tagged = ({ action, context }: AskedRight): boolean =>
      !/DeleteSnapshot|ListSnapshotBlocks/.test(action) || context['aws:ResourceTag/guestlift:site'] !== undefined
    const { lab, ec2, ebs } = await vendorSite({ authorize: tagged })
    const SnapshotId = 'snap-0123456789abcdef0'
    const both = async () => [
      (await refusal(ec2.send(new DeleteSnapshotCommand({ SnapshotId })))).name,
      (await refusal(ebs.send(new ListSnapshotBlocksCommand({ SnapshotId })))).name,
    ]
    expect(await both()).toEqual(['InvalidSnapshot.NotFound', 'ResourceNotFoundException'])
    lab.control.settings.goneIsDenied = true
    expect(await both()).toEqual(['UnauthorizedOperation', 'AccessDeniedException'])
  })

  it('on a key are wanted for each block of an encrypted snapshot', async () => {
    const [volume] = INSTANCE.volumes ?? []
    const encrypted = { ...INSTANCE, volumes: volume === undefined ? [] : [{ ...volume, encrypted: true }] }
    const { ec2, ebs } = await vendorSite({
      instances: [encrypted],
      settings: { snapshotAsks: 0 },
      authorize: ({ action }) => !action.startsWith('kms:'),
    })
    const SnapshotId = (await ec2.send(freeze)).Snapshots?.[0]?.SnapshotId
    const { Blocks } = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }))
    const get = new GetSnapshotBlockCommand({ SnapshotId, BlockIndex: 0, BlockToken: Blocks?.[0]?.BlockToken })
    expect(await refusal(ebs.send(get))).toMatchObject({ status: 403, reason: 'DEPENDENCY_ACCESS_DENIED' })
    const start = new StartSnapshotCommand({ VolumeSize: 1, Encrypted: true })
    expect(await refusal(ebs.send(start))).toMatchObject({ reason: 'DEPENDENCY_ACCESS_DENIED' })
  })

  it('are all that a dry run looks at', async () => {
    let allowed = true
    const { lab, ec2 } = await vendorSite({ instances: [INSTANCE], authorize: () => allowed })
    const dry = () => refusal(ec2.send(new CreateSnapshotsCommand({ ...freeze.input, DryRun: true })))
    expect(await dry()).toMatchObject({ name: 'DryRunOperation', status: 412 })
    allowed = false
    expect(await dry()).toMatchObject({ name: 'UnauthorizedOperation', status: 403 })
    expect(lab.control.snapshots()).toEqual([])
  })
})

describe('a signature', () => {
  const list = new ListSnapshotBlocksCommand({ SnapshotId: 'snap-0123456789abcdef0' })

  it('of a wrong secret or an unknown key is refused as each service does', async () => {
    const { as, key, lab } = await vendorSite()
    const wrong = { ...key, secretAccessKey: 'wrong' }
    const unknown = { ...key, accessKeyId: 'AKIAUNKNOWN000000000' }
    for (const other of [wrong, unknown]) {
      const { ec2 } = as(other)
      expect(await refusal(ec2.send(new DescribeRegionsCommand({})))).toMatchObject({
        name: 'AuthFailure',
        status: 401,
      })
    }
    const { ebs } = as(wrong)
    expect(await refusal(ebs.send(list))).toMatchObject({ name: 'InvalidSignatureException', status: 403 })
    expect(await refusal(as(unknown).ebs.send(list))).toMatchObject({
      name: 'UnrecognizedClientException',
      status: 403,
    })
    const identity = { Action: 'GetCallerIdentity' }
    expect((await sts(lab.url, wrong, identity)).text).toContain('<Code>SignatureDoesNotMatch</Code>')
    expect((await sts(lab.url, unknown, identity)).text).toContain('<Code>InvalidClientTokenId</Code>')
    expect((await sts(lab.url, key, identity)).text).toContain('<Account>111122223333</Account>')
    expect((await fetch(`${lab.url}/snapshots/snap-1/blocks`)).status).toBe(403)
  })

  it('of another service, or from too far away in time, is none', async () => {
    const { lab, key, ec2, ebs } = await vendorSite()
    const form = { Action: 'DescribeRegions', Version: '2016-11-15' }
    expect((await signedRequest(lab.url, key, { service: 'ebs', form })).status).toBe(401)
    lab.control.setClockSkew(-3_600_000)
    expect(await refusal(ec2.send(new DescribeRegionsCommand({})))).toMatchObject({
      name: 'RequestExpired',
      status: 400,
    })
    expect(await refusal(ebs.send(list))).toMatchObject({ name: 'InvalidSignatureException', status: 403 })
  })
})

describe('a role', () => {
  const roles = [{ arn: ROLE, externalId: 'a-secret-between-us' }]

  it('is assumed with its external id alone', async () => {
    const { lab, key } = await vendorSite({ roles })
    expect((await sts(lab.url, key, assume('a-secret-between-us'))).status).toBe(200)
    for (const form of [assume(), assume('another'), { ...assume('a-secret-between-us'), RoleArn: `${ROLE}-2` }]) {
      const answer = await sts(lab.url, key, form)
      expect(answer.status).toBe(403)
      expect(answer.text).toContain('<Code>AccessDenied</Code>')
    }
  })

  it('gives a session that acts in its name and ends by the clock', async () => {
    let now = Date.parse('2026-11-29T10:00:00Z')
    const principals: string[] = []
    const { lab, key, as } = await vendorSite({
      roles,
      checkDates: false,
      clock: () => new Date(now),
      authorize: ({ principal }) => principals.push(principal) > 0,
    })
    const session = sessionIn((await sts(lab.url, key, assume('a-secret-between-us'))).text)
    expect(session.expiration).toBe('2026-11-29T11:00:00.000Z')
    const { ec2, ebs } = as(session.key)
    await ec2.send(new DescribeRegionsCommand({}))
    expect(principals.at(-1)).toBe('arn:aws:sts::111122223333:assumed-role/guestlift-backup/guestlift')
    const withoutToken = as({ ...session.key, sessionToken: 'another' })
    expect(await refusal(withoutToken.ec2.send(new DescribeRegionsCommand({})))).toMatchObject({ name: 'AuthFailure' })
    now += 3_600_000
    expect(await refusal(ec2.send(new DescribeRegionsCommand({})))).toMatchObject({ name: 'RequestExpired' })
    const list = new ListSnapshotBlocksCommand({ SnapshotId: 'snap-0123456789abcdef0' })
    expect(await refusal(ebs.send(list))).toMatchObject({ name: 'ExpiredTokenException', status: 403 })
  })
})
