/** Cases from the IAM user guide: policy evaluation logic, condition operators, resources, and examples of S3. */
import { describe, expect, it } from 'vitest'
import type { Context } from '../../../local/iam/conditions.ts'
import { type AccessRequest, evaluate, type Principal, refusal } from '../../../local/iam/evaluate.ts'
import { readPolicy } from '../../../local/iam/policy.ts'
import { likeArn } from '../../../local/iam/wildcard.ts'

const ana: Principal = {
  arn: 'arn:aws:sts::111122223333:assumed-role/Ana/work',
  kind: 'AWS',
  names: ['arn:aws:iam::111122223333:role/Ana'],
  account: ['arn:aws:iam::111122223333:root', '111122223333'],
}

const allow = (Action: unknown, Resource: unknown, Condition?: unknown) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
})
const deny = (Action: unknown, Resource: unknown, Condition?: unknown) => ({
  ...allow(Action, Resource, Condition),
  Effect: 'Deny',
})
const anybody = (statement: object) => ({ ...statement, Principal: '*' })

function judge(
  action: string,
  resource: string,
  statements: object[],
  others: object[] = [],
  context: Context = {},
  isForeign = false,
) {
  const request: AccessRequest = { principal: ana, action, resource, context }
  const policies = {
    identity: readPolicy({ Version: '2012-10-17', Statement: statements }, 'identity'),
    resource: readPolicy({ Version: '2012-10-17', Statement: others }, 'resource'),
  }
  const decision = evaluate(request, policies, isForeign)
  return decision.allowed ? 'allowed' : decision.because
}

const object = 'arn:aws:s3:::bucket/folder/key'

describe('the evaluator of a resource of another account', () => {
  const mine = [allow('s3:GetObject', object)]
  const toAccount = { ...allow('s3:*', '*'), Principal: { AWS: 'arn:aws:iam::111122223333:root' } }
  it.each([
    ['allows what both sides allow', mine, [toAccount], 'allowed'],
    ['denies what the identity alone allows', mine, [], 'not-by-resource'],
    ['denies what the resource alone allows', [], [toAccount], 'implicit'],
    ['lets a Deny of the resource win', mine, [toAccount, anybody(deny('s3:*', '*'))], 'resource-deny'],
  ])('%s', (_, statements, others, wanted) => {
    expect(judge('s3:GetObject', object, statements, others, {}, true)).toBe(wanted)
  })
})

describe('the evaluator', () => {
  it.each([
    ['denies what nothing allows', [], [], 'implicit'],
    ['allows what the identity may', [allow('s3:GetObject', object)], [], 'allowed'],
    ['allows what the resource lets it', [], [anybody(allow('s3:GetObject', object))], 'allowed'],
    ['lets a Deny win over an Allow', [allow('s3:*', '*'), deny('s3:GetObject', object)], [], 'identity-deny'],
    ["lets a resource's Deny win", [allow('*', '*')], [anybody(deny('s3:Get*', '*'))], 'resource-deny'],
    ['reads an action in any case', [allow('S3:getobject', object)], [], 'allowed'],
    ['reads a resource in its own case', [allow('s3:GetObject', 'arn:aws:s3:::bucket/Folder/*')], [], 'implicit'],
    ['knows * in actions', [allow('s3:Get*', '*')], [], 'allowed'],
    ['knows ? in actions', [allow('s3:?etObject', '*')], [], 'allowed'],
    ['lets ? stand for one character only', [allow('s3:Get?', '*')], [], 'implicit'],
    ['does not take a bucket for its objects', [allow('s3:GetObject', 'arn:aws:s3:::bucket')], [], 'implicit'],
    ['does not take a part of an action for all', [allow('s3:GetObjectVersion', '*')], [], 'implicit'],
    ['allows all but NotAction', [{ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }], [], 'allowed'],
    ['allows nothing of NotAction', [{ Effect: 'Allow', NotAction: 's3:*', Resource: '*' }], [], 'implicit'],
    [
      'allows nothing in NotResource',
      [{ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::bucket/*' }],
      [],
      'implicit',
    ],
    ['reads lists', [allow(['s3:PutObject', 's3:GetObject'], ['arn:aws:s3:::other/*', object])], [], 'allowed'],
    [
      'takes what an account is allowed for nobody’s in it',
      [],
      [{ ...allow('*', '*'), Principal: { AWS: '111122223333' } }],
      'implicit',
    ],
    [
      'takes what an account is denied for everybody’s in it',
      [allow('*', '*')],
      [{ ...deny('*', '*'), Principal: { AWS: 'arn:aws:iam::111122223333:root' } }],
      'resource-deny',
    ],
    [
      'heeds whom a policy is about, by role',
      [],
      [{ ...allow('*', '*'), Principal: { AWS: 'arn:aws:iam::111122223333:role/Ana' } }],
      'allowed',
    ],
    [
      'does not take one role for another',
      [],
      [{ ...allow('*', '*'), Principal: { AWS: 'arn:aws:iam::111122223333:role/Ben' } }],
      'implicit',
    ],
    [
      'does not take a service for a role',
      [],
      [{ ...allow('*', '*'), Principal: { Service: 'sns.amazonaws.com' } }],
      'implicit',
    ],
  ])('%s', (_, identity, resource, wanted) => {
    expect(judge('s3:GetObject', object, identity, resource)).toBe(wanted)
  })

  it.each<[string, object, Context, boolean]>([
    ['an equal text', { StringEquals: { 's3:prefix': 'home/' } }, { 's3:prefix': 'home/' }, true],
    ['one of several values', { StringEquals: { 's3:prefix': ['', 'home/'] } }, { 's3:prefix': 'home/' }, true],
    ['another text', { StringEquals: { 's3:prefix': 'home/' } }, { 's3:prefix': 'work/' }, false],
    ['keys in any case', { StringEquals: { 'AWS:SourceAccount': '1' } }, { 'aws:sourceaccount': '1' }, true],
    ['an absent key', { StringEquals: { 's3:prefix': '' } }, {}, false],
    ['an absent key, negated', { StringNotEquals: { 's3:prefix': 'home/' } }, {}, true],
    ['an absent key with IfExists', { StringLikeIfExists: { 's3:prefix': 'home/*' } }, {}, true],
    ['a wrong key with IfExists', { StringLikeIfExists: { 's3:prefix': 'home/*' } }, { 's3:prefix': 'work/' }, false],
    ['none of several, negated', { StringNotLike: { 's3:prefix': ['a*', 'b*'] } }, { 's3:prefix': 'c' }, true],
    ['one of several, negated', { StringNotLike: { 's3:prefix': ['a*', 'b*'] } }, { 's3:prefix': 'bc' }, false],
    ['wildcards with StringEquals', { StringEquals: { 's3:prefix': 'home/*' } }, { 's3:prefix': 'home/a' }, false],
    ['wildcards with StringLike', { StringLike: { 's3:prefix': 'home/*' } }, { 's3:prefix': 'home/a' }, true],
    ['Null of an absent key', { Null: { 's3:if-none-match': 'true' } }, {}, true],
    ['Null of a present key', { Null: { 's3:if-none-match': 'true' } }, { 's3:if-none-match': '*' }, false],
    ['Null false of a present key', { Null: { 's3:if-none-match': false } }, { 's3:if-none-match': '*' }, true],
    ['Bool', { Bool: { 'aws:SecureTransport': 'false' } }, { 'aws:securetransport': 'true' }, false],
    ['Bool of an absent key', { Bool: { 's3:ObjectCreationOperation': 'false' } }, {}, false],
    ['a number that is less', { NumericLessThan: { 's3:TlsVersion': 1.2 } }, { 's3:tlsversion': '1.1' }, true],
    ['a number that is not less', { NumericLessThan: { 's3:TlsVersion': 1.2 } }, { 's3:tlsversion': '1.2' }, false],
    ['what is no number', { NumericLessThan: { 's3:max-keys': '10' } }, { 's3:max-keys': 'few' }, false],
    [
      'an ARN by its parts',
      { ArnLike: { 'aws:SourceArn': 'arn:aws:states:*:1:stateMachine:*' } },
      { 'aws:sourcearn': 'arn:aws:states:us-east-1:1:stateMachine:a' },
      true,
    ],
    [
      'two operators, of which one fails',
      { StringEquals: { 's3:prefix': 'a' }, Null: { 's3:delimiter': 'true' } },
      { 's3:prefix': 'a', 's3:delimiter': '/' },
      false,
    ],
    [
      'ForAnyValue, one of them',
      { 'ForAnyValue:StringEquals': { 'aws:SourceArn': 'b' } },
      { 'aws:sourcearn': ['a', 'b'] },
      true,
    ],
    ['ForAnyValue of an absent key', { 'ForAnyValue:StringEquals': { 'aws:SourceArn': 'b' } }, {}, false],
    [
      'ForAllValues, not all',
      { 'ForAllValues:StringEquals': { 'aws:SourceArn': 'b' } },
      { 'aws:sourcearn': ['a', 'b'] },
      false,
    ],
    ['ForAllValues of an absent key', { 'ForAllValues:StringEquals': { 'aws:SourceArn': 'b' } }, {}, true],
  ])('judges by %s', (_, condition, context, holds) => {
    expect(judge('s3:GetObject', object, [allow('*', '*', condition)], [], context)).toBe(
      holds ? 'allowed' : 'implicit',
    )
    const denied = judge('s3:GetObject', object, [allow('*', '*'), deny('*', '*', condition)], [], context)
    expect(denied).toBe(holds ? 'identity-deny' : 'allowed')
  })

  it.each([
    ['arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket/a/b:c', true],
    ['arn:aws:s3:::b?cket/key', 'arn:aws:s3:::bucket/key', true],
    ['arn:aws:s3:::bucket.a/*', 'arn:aws:s3:::bucketXa/key', false],
    ['arn:aws:lambda:*:1:function:copy', 'arn:aws:lambda:us-east-1:1:function:copy', true],
    ['arn:aws:lambda:us-*-1:1:function:copy', 'arn:aws:lambda:us-east:x-1:1:function:copy', false],
    ['arn:aws:lambda:*', 'arn:aws:lambda:us-east-1:1:function:copy', true],
    ['arn:aws:states:us-east-1:1:execution:run:*', 'arn:aws:states:us-east-1:1:execution:run/guest:id', false],
    ['arn:aws:secretsmanager:r:1:secret:site/hq-??????', 'arn:aws:secretsmanager:r:1:secret:site/hq', false],
    ['arn:aws:secretsmanager:r:1:secret:site/hq-??????', 'arn:aws:secretsmanager:r:1:secret:site/hq-a1B2c3', true],
    ['*', 'arn:aws:s3:::bucket', true],
  ])('finds that %s means %s: %s', (pattern, arn, means) => {
    expect(likeArn(pattern, arn)).toBe(means)
  })

  it.each([
    ['an operator', { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, 'the condition operator IpAddress'],
    ['a key', { StringEquals: { 'aws:username': 'ana' } }, 'the condition key aws:username'],
    ['a variable', { StringLike: { 's3:prefix': '${aws:username}/*' } }, 'the policy variable'],
    ['Null with a suffix', { NullIfExists: { 's3:prefix': 'true' } }, 'the condition operator NullIfExists'],
  ])('refuses to load %s that it does not know', (_, condition, message) => {
    expect(() => judge('s3:GetObject', object, [deny('*', '*', condition)])).toThrow(message)
  })

  it('refuses what is no policy', () => {
    expect(() => readPolicy({ Statement: [{ Effect: 'Allow', Resource: '*' }] }, 'identity')).toThrow('Action')
    expect(() => readPolicy({ Statement: [allow('*', '*')] }, 'resource')).toThrow('Principal')
    expect(() => readPolicy({ Statement: [anybody(allow('*', '*'))] }, 'identity')).toThrow('Principal')
    expect(() => readPolicy({ Statement: [{ ...allow('*', '*'), Aktion: '*' }] }, 'identity')).toThrow('Aktion')
    expect(() => readPolicy({ Statement: [allow('*', 'arn:aws:s3:::${aws:username}')] }, 'identity')).toThrow(
      'variable',
    )
  })

  it('forces conditional writes as the guide of S3 does, parts excepted', () => {
    const policy = [
      anybody(
        deny('s3:PutObject', 'arn:aws:s3:::bucket/*', {
          Null: { 's3:if-none-match': 'true' },
          Bool: { 's3:ObjectCreationOperation': 'true' },
        }),
      ),
    ]
    const put = (context: Context) => judge('s3:PutObject', object, [allow('s3:PutObject', '*')], policy, context)
    expect(put({ 's3:objectcreationoperation': 'true' })).toBe('resource-deny')
    expect(put({ 's3:objectcreationoperation': 'true', 's3:if-none-match': '*' })).toBe('allowed')
    expect(put({ 's3:objectcreationoperation': 'false' })).toBe('allowed')
  })

  it('says why in the words of AWS', () => {
    const request = { principal: ana, action: 's3:GetObject', resource: object }
    expect(refusal(request, { allowed: false, because: 'implicit' })).toBe(
      'User: arn:aws:sts::111122223333:assumed-role/Ana/work is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::bucket/folder/key because no identity-based policy allows the s3:GetObject action',
    )
    expect(refusal(request, { allowed: false, because: 'resource-deny' })).toContain(
      'with an explicit deny in a resource-based policy',
    )
  })
})
