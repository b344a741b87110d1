/**
 * Bucket policies, as far as they take away: the one key pair owns everything, so Allow adds nothing and Deny counts.
 * A condition that can't be judged here is refused when the policy is stored, never skipped when it should apply.
 */
import { z } from 'zod'
import { notImplemented, S3Error } from '../errors.ts'
import type { S3Request } from '../protocol/request.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import { ACCOUNT_ID } from './call.ts'

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => (Array.isArray(value) ? value : [value]))
const values = z
  .union([z.string(), z.boolean(), z.number(), z.array(z.union([z.string(), z.boolean(), z.number()]))])
  .transform((value) => (Array.isArray(value) ? value : [value]).map(String))

const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.literal('*'), z.record(z.string(), texts)]).optional(),
  NotPrincipal: z.unknown().optional(),
  Action: texts.optional(),
  NotAction: texts.optional(),
  Resource: texts.optional(),
  NotResource: texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), values)).optional(),
})

const policy = z.strictObject({
  Version: z.string().optional(),
  Id: z.string().optional(),
  Statement: z.union([statement, z.array(statement)]).transform((value) => (Array.isArray(value) ? value : [value])),
})

type Statement = z.infer<typeof statement>

/** @throws S3Error MalformedPolicy, NotImplemented */
export function parsePolicy(text: string, bucketName: string): Statement[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new S3Error('MalformedPolicy', { message: "Policies must be valid JSON and the first byte must be '{'" })
  }
  const parsed = policy.safeParse(json)
  if (!parsed.success) {
    throw new S3Error('MalformedPolicy', {
      message: `Policy document is not valid: ${parsed.error.issues[0]?.message ?? ''}`,
    })
  }
  for (const item of parsed.data.Statement) checkStatement(item, bucketName)
  return parsed.data.Statement
}

function checkStatement(item: Statement, bucketName: string): void {
  if (item.NotPrincipal !== undefined) throw notImplemented('NotPrincipal in bucket policies')
  if (item.Principal === undefined)
    throw new S3Error('MalformedPolicy', { message: 'Missing required field Principal' })
  if ((item.Action === undefined) === (item.NotAction === undefined)) {
    throw new S3Error('MalformedPolicy', { message: 'Missing required field Action' })
  }
  if ((item.Resource === undefined) === (item.NotResource === undefined)) {
    throw new S3Error('MalformedPolicy', { message: 'Missing required field Resource' })
  }
  const arn = `arn:aws:s3:::${bucketName}`
  for (const resource of item.Resource ?? item.NotResource ?? []) {
    if (resource !== '*' && resource !== arn && !resource.startsWith(`${arn}/`) && !resource.includes('*')) {
      throw new S3Error('MalformedPolicy', { message: 'Policy has invalid resource' })
    }
  }
  if (item.Effect === 'Allow') return
  for (const [operator, tests] of Object.entries(item.Condition ?? {})) {
    if (!(operator in OPERATORS)) throw notImplemented(`the policy condition ${operator}`)
    for (const name of Object.keys(tests)) {
      if (conditionKey(name) === undefined) throw notImplemented(`the policy condition key ${name}`)
    }
  }
}

type Judge = (actual: string | undefined, wanted: readonly string[]) => boolean

const equals: Judge = (actual, wanted) => actual !== undefined && wanted.includes(actual)
const like: Judge = (actual, wanted) => actual !== undefined && wanted.some((pattern) => wildcard(pattern, actual))

const OPERATORS: Record<string, Judge> = {
  StringEquals: equals,
  StringNotEquals: (actual, wanted) => !equals(actual, wanted),
  StringEqualsIfExists: (actual, wanted) => actual === undefined || equals(actual, wanted),
  StringNotEqualsIfExists: (actual, wanted) => actual === undefined || !equals(actual, wanted),
  StringLike: like,
  StringNotLike: (actual, wanted) => !like(actual, wanted),
  Bool: equals,
  Null: (actual, wanted) => wanted.includes(String(actual === undefined)),
}

/** How to read a condition key from a request; `undefined` for keys that this server doesn't know. */
function conditionKey(name: string): ((request: S3Request) => string | undefined) | undefined {
  const lower = name.toLowerCase()
  // Everything arrives over plain HTTP on the loopback interface; TLS rules would lock the bucket up for good.
  if (lower === 'aws:securetransport') return () => 'true'
  if (lower === 's3:prefix' || lower === 's3:delimiter' || lower === 's3:versionid') {
    const parameter = lower === 's3:versionid' ? 'versionId' : lower.slice('s3:'.length)
    return (request) => request.query.get(parameter)
  }
  // Creating an upload and sending its parts make no object; everything else that may write does.
  if (lower === 's3:objectcreationoperation') {
    return ({ query }) => String(!query.has('uploads') && !query.has('partNumber'))
  }
  if (lower === 's3:if-match' || lower === 's3:if-none-match')
    return (request) => request.header(lower.slice('s3:'.length))
  const header =
    /^s3:(x-amz-(?:server-side-encryption(?:-aws-kms-key-id)?|storage-class|acl|copy-source|metadata-directive|content-sha256))$/.exec(
      lower,
    )?.[1]
  return header === undefined ? undefined : (request) => request.header(header)
}

function wildcard(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]')
  return new RegExp(`^${source}$`).test(text)
}

function concernsUs(principal: Statement['Principal']): boolean {
  if (principal === '*') return true
  const names = Object.values(principal ?? {}).flat()
  return names.some((name) => name === '*' || name === ACCOUNT_ID || name.startsWith(`arn:aws:iam::${ACCOUNT_ID}:`))
}

/** @throws S3Error AccessDenied when a statement denies this */
export function enforcePolicy(bucket: BucketStore, action: string, key: string | undefined, request: S3Request): void {
  const text = bucket.record.settings['policy']
  if (text === undefined) return
  const arn = `arn:aws:s3:::${bucket.record.name}`
  const resource = key === undefined ? arn : `${arn}/${key}`
  for (const item of parsePolicy(text, bucket.record.name)) {
    if (
      item.Effect === 'Deny' &&
      concernsUs(item.Principal) &&
      covers(item, action, resource) &&
      conditionsHold(item, request)
    ) {
      throw new S3Error('AccessDenied', {
        message: `User: arn:aws:iam::${ACCOUNT_ID}:root is not authorized to perform: ${action} on resource: "${resource}" with an explicit deny in a resource-based policy`,
      })
    }
  }
}

function covers(item: Statement, action: string, resource: string): boolean {
  const actionIn = (list: readonly string[]): boolean =>
    list.some((pattern) => wildcard(pattern.toLowerCase(), action.toLowerCase()))
  const resourceIn = (list: readonly string[]): boolean => list.some((pattern) => wildcard(pattern, resource))
  return (
    (item.Action ? actionIn(item.Action) : !actionIn(item.NotAction ?? [])) &&
    (item.Resource ? resourceIn(item.Resource) : !resourceIn(item.NotResource ?? []))
  )
}

function conditionsHold(item: Statement, request: S3Request): boolean {
  return Object.entries(item.Condition ?? {}).every(([operator, tests]) =>
    Object.entries(tests).every(([name, wanted]) => {
      const actual = conditionKey(name)?.(request)
      return OPERATORS[operator]?.(actual, wanted) ?? true
    }),
  )
}
