import { GuestliftError, ObjectFrozen, StoreDenied, StoreUnavailable, UploadVanished } from '../contracts/errors.ts'
import { EXPECTED_OWNER } from './s3-owner.ts'

/** What was being done to what, for messages. */
export interface StoreAction {
  bucket: string
  key: string
  /** As in "can't <verb> …". */
  verb: string
}

/** For stores that leave nothing to prove an archive by. */
export const needsChecksums = 'Guestlift needs a store that checks and keeps full-object CRC-32, as AWS does'

/** What S3's refusals mean for the person who reads them. Names as S3 gives them in `<Code>`. */
const advice: Readonly<Record<string, string>> = {
  NoSuchBucket:
    "there is no such bucket. Check the bucket's name, region and endpoint, or create it first (aws s3 mb s3://<name>)",
  AccessDenied:
    'access denied. Check the permissions of the identity (s3:PutObject, GetObject, ListBucket, ListBucketMultipartUploads, ' +
    'ListMultipartUploadParts, AbortMultipartUpload, DeleteObject; for pruning also ListBucketVersions, GetObjectVersion, ' +
    'GetObjectRetention, GetObjectLegalHold, DeleteObjectVersion; for restores out of Glacier also RestoreObject), the ' +
    "bucket's policy and its KMS key",
  Forbidden:
    'access denied. Check the permissions of the identity; without s3:ListBucket S3 also answers so for a key that does not exist',
  AccessControlListNotSupported:
    'the bucket refuses ACLs. Take objectAcl out of bucket.existing in the deployment, and deploy again',
  AllAccessDisabled: 'the bucket is disabled',
  InvalidAccessKeyId: 'the access key id is unknown. Check the AWS credentials',
  SignatureDoesNotMatch: 'the signature is wrong. Check the secret access key, the region and the clock',
  RequestTimeTooSkewed: 'the clock of this machine is wrong by more than 15 minutes. Set it',
  ExpiredToken: 'the session token has expired. Log in again',
  InvalidToken: 'the session token is invalid. Log in again',
  CredentialsProviderError:
    'no AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile',
  PermanentRedirect: "the bucket is in another region. Set AWS_REGION to the bucket's",
  AuthorizationHeaderMalformed: "the request was signed for another region. Set AWS_REGION to the bucket's",
  IllegalLocationConstraintException: "the bucket is in another region. Set AWS_REGION to the bucket's",
  MethodNotAllowed: 'the store refuses this method',
  NotImplemented: 'the store lacks this operation, which Guestlift needs',
  InvalidStorageClass: 'the storage class is unknown',
  'KMS.DisabledException':
    "the bucket's KMS key is disabled. Enable it (aws kms enable-key --key-id <key>), and nothing that is stored is lost",
  'KMS.KMSInvalidStateException':
    "the bucket's KMS key can't be used in its state. If its deletion is scheduled, cancel that now and enable the key " +
    '(aws kms cancel-key-deletion --key-id <key>): without it, no archive can be read',
  'KMS.NotFoundException':
    "the bucket's KMS key is not there. Check the ARN of the key, its account and its region in the bucket's encryption",
}

/** A refusal by the key: S3 passes KMS's own words on. */
function refusedByKey(code: string, said: string): string | undefined {
  const right = code === 'AccessDenied' ? /\bkms:[A-Za-z]+/.exec(said)?.[0] : undefined
  if (right === undefined) return undefined
  return (
    `access denied (${right}) by the bucket's KMS key. Permit it to the identity; for a key of another account, ` +
    "also in the key's policy"
  )
}

/** Passing faults by name; S3 sends some of them with status 400. */
const passing = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  'ThrottlingException',
  'TooManyRequestsException',
  'OperationAborted',
  'ConditionalRequestConflict',
  'BadDigest',
  'IncompleteBody',
])
/** What sockets say. The SDK passes them through with `code`, and Node gathers several in an AggregateError. */
const socketFaults = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** May this refusal be another answer the next time? */
export const passingCode = (code: string): boolean => passing.has(code)

/** An answer that isn't S3's own word and may be another the next time, in the form of the SDK's errors. */
export class PassingAnswer extends Error {
  override readonly name: string
  readonly $metadata: { httpStatusCode?: number }
  /** How the SDK knows that it may ask again. */
  readonly $retryable = { throttling: false }

  constructor(code: string, message: string, httpStatusCode?: number) {
    super(message)
    this.name = code
    this.$metadata = httpStatusCode === undefined ? {} : { httpStatusCode }
  }
}

/** The right that S3 asks for, by what was being done. One verb may need another right as well, as for a KMS key. */
const actions: Readonly<Record<string, string>> = {
  'open an upload for': 's3:PutObject',
  'open a locked upload for': 's3:PutObject and s3:PutObjectRetention',
  'see the legal hold of': 's3:GetObjectLegalHold',
  hold: 's3:PutObjectLegalHold',
  release: 's3:PutObjectLegalHold',
  'write and lock': 's3:PutObject and s3:PutObjectRetention',
  'list uploads of': 's3:ListBucketMultipartUploads',
  'list parts of': 's3:ListMultipartUploadParts',
  complete: 's3:PutObject',
  abort: 's3:AbortMultipartUpload',
  read: 's3:GetObject',
  write: 's3:PutObject',
  remove: 's3:DeleteObject',
  list: 's3:ListBucket',
  'list folders of': 's3:ListBucket',
  'look at the settings of': 's3:GetBucketVersioning and s3:GetBucketObjectLockConfiguration',
}

/** Refusals of a right, where the verb tells which one it is. */
function refusedRight(code: string, verb: string): string {
  if (code !== 'AccessDenied' && code !== 'Forbidden') return ''
  const action = actions[verb] ?? (verb.startsWith('send part') ? 's3:PutObject' : undefined)
  return action === undefined ? '' : ` (${action})`
}

/** S3 answers the same when the bucket is of another account than the request expects. */
function otherOwner(error: unknown, code: string): string {
  const account = property(error, EXPECTED_OWNER)
  if ((code !== 'AccessDenied' && code !== 'Forbidden') || typeof account !== 'string') return ''
  return `. S3 also answers so if the bucket isn't of account ${account}, as bucket.existing of the deployment says`
}

function property(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
}

/** What the SDK calls errors that came without a name, as the answers to HEAD do. */
const nameless = new Set(['Error', 'UnknownError', 'Unknown'])

/** S3's name for an error, or Node's for one of a socket. HEAD has no body, hence only a status. */
export function errorCode(error: unknown): string {
  const code = property(error, 'code')
  if (typeof code === 'string' && socketFaults.has(code)) return code
  const name = property(error, 'name')
  if (typeof name === 'string' && !nameless.has(name)) return name
  const status = statusOf(error)
  if (status === 403) return 'Forbidden'
  return status === undefined ? String(name) : String(status)
}

export function statusOf(error: unknown): number | undefined {
  const status = property(property(error, '$metadata'), 'httpStatusCode')
  return typeof status === 'number' ? status : undefined
}

/** Where S3 gave no error code: the answer's status and kind, which tell whose word it was. */
function saidBy(error: unknown, code: string): string | undefined {
  if (String(statusOf(error)) !== code || error instanceof PassingAnswer) return undefined
  const type = property(property(property(error, '$response'), 'headers'), 'content-type')
  return `HTTP status ${code} without an error code of S3 (${typeof type === 'string' ? type : 'no content type'})`
}

/** How often the SDK sent the request before it gave up. */
export function attemptsOf(error: unknown): number {
  const attempts = property(property(error, '$metadata'), 'attempts')
  return typeof attempts === 'number' ? attempts : 1
}

/** S3 asks for fewer requests. */
export function isThrottle(error: unknown): boolean {
  return throttling.has(errorCode(error)) || statusOf(error) === 503 || statusOf(error) === 429
}
const throttling = new Set(['SlowDown', 'ServiceUnavailable', 'ThrottlingException', 'TooManyRequestsException'])

/** May the same request succeed when it is sent again? */
export function isPassing(error: unknown): boolean {
  const code = errorCode(error)
  const status = statusOf(error)
  // What a store lacks now it lacks in an hour.
  if (code === 'NotImplemented' || status === 501) return false
  // A connection that is cut while an answer is parsed surfaces as a nameless error of the SDK, without a status.
  const cut =
    status === undefined &&
    /socket hang up|aborted|premature|non-retryable streaming/i.test(String(property(error, 'message')))
  return (
    passing.has(code) || socketFaults.has(code) || (status !== undefined && (status >= 500 || status === 429)) || cut
  )
}

/**
 * The fact behind an error of the S3 client: StoreUnavailable when it may pass, UploadVanished when the upload is gone,
 * ObjectFrozen when the object lies in Glacier, otherwise StoreDenied with advice. A fact stays what it is.
 */
export function storeFact(error: unknown, { bucket, key, verb }: StoreAction): GuestliftError {
  if (error instanceof GuestliftError) return error
  const code = errorCode(error)
  const message = property(error, 'message')
  const said = saidBy(error, code) ?? (typeof message === 'string' ? message : '')
  const what = `can't ${verb} s3://${bucket}/${key}`
  if (isPassing(error)) {
    const hint = code === 'ECONNREFUSED' || code === 'ENOTFOUND' ? '. Check the endpoint and the network' : ''
    return new StoreUnavailable(`${what}: ${code}${said === '' || said === code ? '' : `: ${said}`}${hint}`, {
      cause: error,
    })
  }
  if (code === 'NoSuchUpload') {
    return new UploadVanished(
      `the upload of s3://${bucket}/${key} is gone: aborted by someone or by a lifecycle rule. A new run starts it afresh`,
      { cause: error },
    )
  }
  if (code === 'InvalidObjectState') {
    // Intelligent-Tiering says its class, and the tier beside it.
    const place = property(error, 'AccessTier') ?? property(error, 'StorageClass') ?? 'an archive class'
    const where = typeof place === 'string' ? place : 'an archive class'
    return new ObjectFrozen(`s3://${bucket}/${key} lies in ${where}; restore it first (aws s3api restore-object)`, {
      cause: error,
    })
  }
  if (said === 'Region is missing') {
    return new StoreDenied(`${what}: no AWS region is set. Set AWS_REGION, or a region in the profile of AWS_PROFILE`, {
      cause: error,
    })
  }
  const why = (refusedByKey(code, said) ?? advice[code] ?? said).replace(
    /^access denied(?! \()/,
    `access denied${refusedRight(code, verb)}`,
  )
  return new StoreDenied(`${what}: ${why}${otherOwner(error, code)} (${code})`, { cause: error })
}
