import { describe, expect, it } from 'vitest'
import { guardOf, type Judgement } from '../../../local/iam/guard.ts'
import { readPolicy } from '../../../local/iam/policy.ts'
import { type Resource, roleStatements } from '../../../local/iam/roles.ts'
import { openSession, readSession, type Role } from '../../../local/iam/session.ts'
import { unusedRights } from '../../../local/iam/usage.ts'
import { ownRole } from '../../../local/run/own-roles.ts'

const statement = (Action: unknown, Resource: unknown) => ({ Effect: 'Allow', Action, Resource })
const policy = (roles: string[], ...Statement: object[]): Resource => ({
  Type: 'AWS::IAM::Policy',
  Properties: { PolicyDocument: { Statement }, Roles: roles.map((Ref) => ({ Ref })) },
})
const role = (Properties: object = {}): Resource => ({ Type: 'AWS::IAM::Role', Properties: { ...Properties } })
const resolve = (value: unknown): string => `arn:aws:s3:::${JSON.stringify(value).replaceAll(/[^a-z]/gi, '')}`

describe('the roles of a template', () => {
  it('hold what policies and shared policies attach to them, with references resolved', () => {
    const shared: Resource = {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: { PolicyDocument: { Statement: [statement('secretsmanager:GetSecretValue', '*')] } },
    }
    const found = roleStatements(
      {
        Copy: role({ ManagedPolicyArns: [{ Ref: 'Shared' }] }),
        Plan: role(),
        Shared: shared,
        Reads: policy(['Copy', 'Plan'], statement('s3:GetObject', { Ref: 'Bucket' })),
        Writes: policy(['Copy'], statement(['s3:PutObject'], ['arn:aws:s3:::b/*'])),
      },
      resolve,
    )
    const actions = (id: string) => found.get(id)?.map(({ actions: [first] = [], resources }) => [first, resources])
    expect(actions('Plan')).toEqual([['s3:GetObject', ['arn:aws:s3:::RefBucket']]])
    expect(actions('Copy')).toEqual([
      ['secretsmanager:GetSecretValue', ['*']],
      ['s3:GetObject', ['arn:aws:s3:::RefBucket']],
      ['s3:PutObject', ['arn:aws:s3:::b/*']],
    ])
  })

  it('are what the policies say within a boundary of the account, which grants nothing', () => {
    const bounded = {
      Copy: role({ PermissionsBoundary: 'arn:aws:iam::1:policy/b' }),
      Reads: policy(['Copy'], statement('s3:GetObject', '*')),
    }
    expect(roleStatements(bounded, resolve).get('Copy')).toMatchObject([{ actions: ['s3:GetObject'] }])
  })

  it.each([
    [
      'a policy of AWS',
      { Copy: role({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }) },
      'ReadOnlyAccess',
    ],
    ['policies within a role', { Copy: role({ Policies: [] }) }, 'Policies of the role Copy'],
    [
      'a boundary of the template',
      { Copy: role({ PermissionsBoundary: { Ref: 'Boundary' } }) },
      'PermissionsBoundary of the role Copy',
    ],
    [
      'a condition',
      {
        Copy: role(),
        Odd: policy(['Copy'], { ...statement('*', '*'), Condition: { DateLessThan: { 'aws:CurrentTime': '1' } } }),
      },
      "The policy Odd can't be judged: the condition operator DateLessThan",
    ],
  ])('are an error where %s can’t be judged', (_, resources, message) => {
    expect(() => roleStatements(resources, resolve)).toThrow(message)
  })
})

const copyParts: Role = {
  name: 'copy-parts',
  arn: 'arn:aws:iam::000000000000:role/Copy',
  identity: readPolicy(
    {
      Statement: [
        statement(['s3:GetObject', 's3:PutObject'], 'arn:aws:s3:::archives/claims/*'),
        statement('s3:ListBucket', 'arn:aws:s3:::archives'),
        statement(
          'secretsmanager:GetSecretValue',
          ['hq-??????', 'hq', 'branch-??????'].map((each) => `arn:aws:secretsmanager:local:0:secret:site/${each}`),
        ),
      ],
    },
    'identity',
  ),
  resource: readPolicy(
    {
      Statement: {
        ...statement('s3:*', ['arn:aws:s3:::archives/*', 'arn:aws:s3:::archives/archives/*']),
        Effect: 'Deny',
        Principal: '*',
      },
    },
    'resource',
  ),
}

describe('a role in a run of one machine', () => {
  it('has what the deployment grants below the run’s own key prefix and for the run’s own sites', () => {
    const deployed = { bucket: 'archives', keyPrefix: '', secretPrefix: 'site/' }
    const own = { bucket: 'archives', keyPrefix: 'here/', secretPrefix: 'guestlift/site/' }
    const { identity, resource } = ownRole(copyParts, deployed, { ...own, keepsVersions: true }, ['one', 'two'])
    const secret = (name: string) => `arn:aws:secretsmanager:local:0:secret:guestlift/site/${name}`
    expect(identity.map(({ resources }) => resources)).toEqual([
      ['arn:aws:s3:::archives/here/claims/*'],
      ['arn:aws:s3:::archives'],
      ['one-??????', 'two-??????', 'one', 'two'].map(secret),
    ])
    // All objects of the bucket stay all of them.
    expect(resource[0]?.resources).toEqual(['arn:aws:s3:::archives/*', 'arn:aws:s3:::archives/here/archives/*'])
  })

  it('reads the run’s own sites’ secrets for restores where it is granted these, and no plain one', () => {
    const places = { bucket: 'archives', keyPrefix: '', secretPrefix: 'site/' }
    const secret = (name: string) => `arn:aws:secretsmanager:local:0:secret:site/${name}`
    const document = {
      Statement: [statement('secretsmanager:GetSecretValue', ['hq/restore*'].map(secret))],
    }
    const restorer = { ...copyParts, identity: readPolicy(document, 'identity') }
    const { identity } = ownRole(restorer, places, { ...places, keepsVersions: true }, ['one', 'two'])
    expect(identity[0]?.resources).toEqual(['one/restore*', 'two/restore*'].map(secret))
  })

  it('may delete objects where it may remove versions, in a bucket that keeps none', () => {
    const places = { bucket: 'archives', keyPrefix: '', secretPrefix: 'site/' }
    const document = { Statement: [statement('s3:DeleteObjectVersion', 'arn:aws:s3:::archives/archives/*')] }
    const role = { ...copyParts, identity: readPolicy(document, 'identity') }
    const actions = (keepsVersions: boolean) =>
      ownRole(role, places, { ...places, keepsVersions }, []).identity[0]?.actions
    expect(actions(true)).toEqual(['s3:DeleteObjectVersion'])
    expect(actions(false)).toEqual(['s3:DeleteObjectVersion', 's3:DeleteObject'])
  })

  it('is what its session’s token says, to whoever has the administrator’s key', () => {
    const session = openSession(copyParts, 'secret')
    expect(readSession(session.sessionToken, 'secret')).toEqual({
      role: copyParts,
      accessKeyId: session.accessKeyId,
      secretAccessKey: session.secretAccessKey,
    })
    expect(readSession(session.sessionToken, 'another')).toBeUndefined()
    expect(readSession(`${session.sessionToken}x`, 'secret')).toBeUndefined()
    expect(readSession('', 'secret')).toBeUndefined()
  })
})

describe('rights that nothing used', () => {
  it('are those that no allowed request needed, each by its action and resource', () => {
    const judgements: Judgement[] = []
    const guard = guardOf({ ...copyParts, resource: [] }, (judgement) => judgements.push(judgement))
    expect(guard.refuses('s3:GetObject', 'arn:aws:s3:::archives/claims/hq/vm-1.json')).toBeUndefined()
    expect(guard.refuses('s3:ListBucket', 'arn:aws:s3:::other')).toContain('not authorized')
    expect(guard.may('s3:GetObjectRetention', 'arn:aws:s3:::archives/claims/a')).toBe(false)
    expect(
      guard.refuses('secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:local:0:secret:site/hq-a1B2c3'),
    ).toBeUndefined()
    expect(judgements.filter(({ allowed }) => !allowed).map(({ request }) => request.action)).toEqual(['s3:ListBucket'])
    const called = (resource: string) => resource.replace(/site\/(hq|branch)/, 'site/<site>')
    expect(unusedRights([copyParts], judgements, called).map(({ action, resource }) => [action, resource])).toEqual([
      ['s3:ListBucket', 'arn:aws:s3:::archives'],
      ['s3:PutObject', 'arn:aws:s3:::archives/claims/*'],
      ['secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:local:0:secret:site/<site>'],
    ])
  })
})
