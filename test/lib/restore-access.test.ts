/** What the grants for restores let a role do, and what they don't: judged as IAM does. */
import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { describe, expect, it } from 'vitest'
import { guardOf } from '../../local/iam/guard.ts'
import { type Resource, roleStatements } from '../../local/iam/roles.ts'
import { ArchiveAccess } from '../../lib/archive-access.ts'
import { SiteSecrets } from '../../lib/site-secrets.ts'

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:guestlift/site/'
const OBJECTS = 'arn:aws:s3:::archives/'

/** May a role with these grants do this? */
function judge(grant: (role: Role, to: { secrets: SiteSecrets; archive: ArchiveAccess }) => void) {
  const stack = new Stack(new App(), 'test', { env: { account: '123456789012', region: 'eu-central-1' } })
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  const secrets = new SiteSecrets(stack, 'Sites', 'guestlift/site/', ['hq', 'hq-2'])
  const archive = new ArchiveAccess(Bucket.fromBucketName(stack, 'Bucket', 'archives'), 'vault/')
  grant(role, { secrets, archive })
  const template = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> }
  const statements = roleStatements(template.Resources, (value) =>
    JSON.stringify(value)
      .replaceAll(/\{"Fn::Join":\["",\[|\]\]\}|"|,(?=")|\{"Ref":"AWS::Partition"\}/g, '')
      .replaceAll(/arn:?,?:/g, 'arn:aws:')
      .replaceAll(',', ''),
  )
  const [identity = []] = [...statements.values()]
  const guard = guardOf({ name: 'role', arn: 'arn:aws:iam::123456789012:role/r', identity, resource: [] })
  return {
    reads: (secret: string) => guard.refuses('secretsmanager:GetSecretValue', `${SECRET}${secret}`) === undefined,
    thaws: (key: string) => guard.refuses('s3:RestoreObject', `${OBJECTS}${key}`) === undefined,
    policies: Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy'),
  }
}

describe('the secrets for restores', () => {
  it('are read by what restores, which reads no other secret', () => {
    const { reads } = judge((role, { secrets }) => secrets.grantReadRestore(role))
    expect(['hq/restore-AbCdEf', 'hq/restore', 'hq-2/restore-AbCdEf'].map(reads)).toEqual([true, true, true])
    expect(['hq-AbCdEf', 'hq', 'hq-2-AbCdEf', 'other/restore-AbCdEf'].map(reads)).toEqual(Array(4).fill(false))
  })

  it('are out of reach for what reads the plain ones', () => {
    const { reads } = judge((role, { secrets }) => secrets.grantRead(role))
    expect(['hq-AbCdEf', 'hq', 'hq-2-AbCdEf'].map(reads)).toEqual([true, true, true])
    expect(['hq/restore-AbCdEf', 'hq/restore', 'hq-2/restore-AbCdEf'].map(reads)).toEqual([false, false, false])
  })

  it('have no policy in a deployment that grants them to nobody, and one for any number of roles', () => {
    const plain = judge((role, { secrets }) => secrets.grantRead(role)).policies
    const both = judge((role, { secrets }) => {
      secrets.grantRead(role)
      secrets.grantReadRestore(role)
      secrets.grantReadRestore(role)
    }).policies
    expect([Object.keys(plain).length, Object.keys(both).length]).toEqual([1, 2])
  })
})

describe('thawing', () => {
  it('is allowed among the archives and nowhere else', () => {
    const { thaws } = judge((role, { archive }) => archive.grantThaw(role))
    expect(thaws('vault/archives/hq/vm-100/2026-11-22T02-00-00Z/a.vma.zst')).toBe(true)
    expect(['vault/runs/a', 'archives/hq/a', 'vault/claims/hq/vm-100.json'].map(thaws)).toEqual([false, false, false])
  })
})
