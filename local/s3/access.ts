/** Who asks this server, and what they may do: the administrator with the one key pair, or a role with a session's token. */
import { type Guard, guardOf, type OnJudgement } from '../iam/guard.ts'
import type { Context } from '../iam/conditions.ts'
import { readSession, type Role } from '../iam/session.ts'
import { S3Error } from './errors.ts'
import { ACCOUNT_ID } from './account.ts'
import { storedPolicy } from './operations/policy.ts'
import type { S3Request } from './protocol/request.ts'
import type { Credentials } from './protocol/sigv4.ts'
import type { BucketStore } from './store/bucket-store.ts'

/** A policy may never shut out the ones who can mend it: S3 lets the account's root user do these regardless. */
const ALWAYS_FOR_ROOT = /^s3:(Get|Put|Delete)BucketPolicy$/

const ADMINISTRATOR: Role = {
  name: 'administrator',
  arn: `arn:aws:iam::${ACCOUNT_ID}:root`,
  identity: [{ effect: 'Allow', actions: ['*'], resources: ['*'] }],
  resource: [],
}

/** What one request's sender may do. */
export interface Access {
  /** @throws S3Error AccessDenied */
  require(action: string, key: string | undefined, bucketName?: string): void
  /** Whether the key lets S3 use it in the sender's name. @throws S3Error AccessDenied */
  requireKey(action: string, keyArn: string): void
  /** For what S3 leaves out of an answer in place of refusing it. */
  may(action: string, key: string | undefined): boolean
}

export class AccessControl {
  readonly #administrator: Credentials
  readonly #onJudgement: OnJudgement
  readonly #foreign: boolean
  readonly #roles = new Map<string, ReturnType<typeof readSession>>()
  /** By token and by the bucket's policy. */
  readonly #guards = new Map<string, Map<string, Guard>>()

  /** @param foreign the buckets are of another account than the roles */
  constructor(administrator: Credentials, onJudgement: OnJudgement = () => undefined, foreign = false) {
    this.#administrator = administrator
    this.#foreign = foreign
    this.#onJudgement = onJudgement
  }

  /** The key pair that a request must be signed with. @throws S3Error InvalidToken */
  keyPair(token: string | undefined): Credentials {
    if (token === undefined) return this.#administrator
    const session = this.#session(token)
    if (session === undefined) throw new S3Error('InvalidToken')
    return session
  }

  /** @param operation S3's own name of it */
  of(request: S3Request, operation: string, bucket: BucketStore | undefined): Access {
    const token = tokenOf(request)
    const guard = this.#guard(token, bucket)
    const context = contextOf(request, operation)
    const resourceOf = (key: string | undefined, bucketName = request.bucket) =>
      bucketName === undefined ? '*' : `arn:aws:s3:::${bucketName}${key === undefined ? '' : `/${key}`}`
    return {
      require: (action, key, bucketName) => {
        if (token === undefined && ALWAYS_FOR_ROOT.test(action)) return
        const resource = resourceOf(key, bucketName)
        const message = guard.refuses(action, resource, context, `"${resource}"`)
        if (message !== undefined) throw new S3Error('AccessDenied', { message })
      },
      requireKey: (action, keyArn) => {
        const message = guard.refuses(action, keyArn, { 'kms:viaservice': 's3.local.amazonaws.com' }, keyArn)
        if (message !== undefined) throw new S3Error('AccessDenied', { message })
      },
      may: (action, key) => guard.may(action, resourceOf(key), context),
    }
  }

  #session(token: string): ReturnType<typeof readSession> {
    const session = this.#roles.get(token) ?? readSession(token, this.#administrator.secretAccessKey)
    if (session !== undefined) this.#roles.set(token, session)
    return session
  }

  #guard(token: string | undefined, bucket: BucketStore | undefined): Guard {
    const role = token === undefined ? ADMINISTRATOR : (this.#session(token)?.role ?? raiseNoRole())
    const text = bucket?.record.settings['policy']
    const guards = this.#guards.get(role.name + (token ?? '')) ?? new Map<string, Guard>()
    this.#guards.set(role.name + (token ?? ''), guards)
    const name = text === undefined ? '' : `${bucket?.record.name} ${text}`
    const guard =
      guards.get(name) ??
      guardOf(
        role,
        token === undefined ? undefined : this.#onJudgement,
        bucket === undefined ? [] : storedPolicy(bucket),
        this.#foreign && token !== undefined ? 'arn:aws:s3:::' : undefined,
      )
    guards.set(name, guard)
    return guard
  }
}

function raiseNoRole(): never {
  throw new S3Error('InvalidToken')
}

/** Of a session, in a header or in a presigned URL. */
export function tokenOf(request: S3Request): string | undefined {
  return request.header('x-amz-security-token') ?? request.query.get('X-Amz-Security-Token')
}

/** Of the lock that an object is begun with, in whole days. */
function remainingDays(request: S3Request): string | undefined {
  const until = Date.parse(request.header('x-amz-object-lock-retain-until-date') ?? '')
  return Number.isNaN(until) ? undefined : String(Math.ceil((until - Date.now()) / 86_400_000))
}

/** What a request brings for conditions ("Actions, resources, and condition keys for Amazon S3"). */
function contextOf(request: S3Request, operation: string): Context {
  const creates = CREATES[operation]
  const context: Record<string, string | undefined> = {
    // Everything arrives over plain HTTP on the loopback interface; rules about TLS would lock everybody out.
    'aws:securetransport': 'true',
    's3:tlsversion': '1.3',
    's3:versionid': request.query.get('versionId'),
    's3:if-match': request.header('if-match'),
    's3:if-none-match': request.header('if-none-match'),
    's3:object-lock-remaining-retention-days': remainingDays(request),
    's3:objectcreationoperation': creates === undefined ? undefined : String(creates),
  }
  if (request.key === undefined) {
    for (const name of ['prefix', 'delimiter', 'max-keys']) context[`s3:${name}`] = request.query.get(name)
  }
  for (const name of HEADERS) context[`s3:${name}`] = request.header(name)
  return Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined))
}

/** Whether an object comes of it: of parts alone it doesn't (user guide, "Enforce conditional writes"). */
const CREATES: Readonly<Record<string, boolean>> = {
  PutObject: true,
  CopyObject: true,
  CompleteMultipartUpload: true,
  CreateMultipartUpload: false,
  UploadPart: false,
  UploadPartCopy: false,
}

/** Left out: x-amz-content-sha256, which differs with each body. */
const HEADERS = [
  'x-amz-acl',
  'x-amz-copy-source',
  'x-amz-metadata-directive',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-storage-class',
]
