/** Who sends this request, and did they sign exactly this? Header and presigned (query) form of Signature Version 4. */
import { timingSafeEqual } from 'node:crypto'
import { invalidArgument, invalidRequest, S3Error } from '../errors.ts'
import { canonicalRequest, type Scope, signature, signingKey, stringToSign } from './canonical-request.ts'
import type { S3Request } from './request.ts'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** What chunk signatures chain on: the request's own signature is the first link. */
export interface ChunkSigning {
  key: Buffer
  amzDate: string
  scope: Scope
  seed: string
}

/** How the body is vouched for. `signing` is absent where chunks go unsigned. */
export type PayloadProof =
  | { kind: 'sha256'; hex: string }
  | { kind: 'unsigned' }
  | { kind: 'chunks'; trailer: boolean; signing?: ChunkSigning }

export interface AuthenticationRules {
  /** The key pair that this session's token, or none, stands for. @throws S3Error InvalidToken */
  keyPair(token: string | undefined): Credentials
  now: Date
  /** `undefined` accepts any region, as suits a server that isn't in one. */
  region?: string
}

interface Claim {
  amzDate: string
  accessKeyId: string
  scope: Scope
  signedHeaders: string[]
  signature: string
  payloadHash: string
  query: readonly (readonly [string, string])[]
}

const SKEW_MS = 15 * 60 * 1000
const LONGEST_PRESIGNED_SECONDS = 604_800

/** @throws S3Error with S3's own code for each way a signature can be wrong; AccessDenied for anonymous requests */
export function authenticate(request: S3Request, rules: AuthenticationRules): PayloadProof {
  const authorization = request.header('authorization')
  const presigned = request.query.has('X-Amz-Algorithm') || request.query.has('X-Amz-Signature')
  if (authorization !== undefined && presigned) {
    throw invalidArgument(
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    )
  }
  if (authorization === undefined && !presigned) {
    if (request.query.has('AWSAccessKeyId')) throw unsupportedMechanism()
    throw new S3Error('AccessDenied')
  }
  const claim = authorization === undefined ? presignedClaim(request) : headerClaim(request, authorization)
  const token = request.header('x-amz-security-token') ?? request.query.get('X-Amz-Security-Token')
  const credentials = rules.keyPair(token)
  checkIdentity(claim, credentials, rules)
  if (authorization === undefined) checkLifetime(request, claim, rules.now)
  else checkSkew(claim, rules.now)
  refuseUnsignedHeaders(request, claim)
  const key = checkSignature(request, claim, credentials.secretAccessKey)
  return payloadProof(claim, key)
}

function headerClaim(request: S3Request, authorization: string): Claim {
  if (!authorization.startsWith('AWS4-HMAC-SHA256')) throw unsupportedMechanism()
  const fields = new Map<string, string>()
  for (const field of authorization.slice('AWS4-HMAC-SHA256'.length).split(',')) {
    const equals = field.indexOf('=')
    if (equals > 0) fields.set(field.slice(0, equals).trim(), field.slice(equals + 1).trim())
  }
  const credential = fields.get('Credential')
  const signedHeaders = fields.get('SignedHeaders')
  const given = fields.get('Signature')
  if (credential === undefined || signedHeaders === undefined || given === undefined) {
    throw new S3Error('AuthorizationHeaderMalformed', {
      message:
        'The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    })
  }
  const payloadHash = request.header('x-amz-content-sha256')
  if (payloadHash === undefined) throw invalidRequest('Missing required header for this request: x-amz-content-sha256')
  const amzDate = request.header('x-amz-date') ?? dateHeader(request.header('date'))
  if (amzDate === undefined || parseAmzDate(amzDate) === undefined) {
    throw new S3Error('AccessDenied', { message: 'AWS authentication requires a valid Date or x-amz-date header' })
  }
  return {
    ...parseCredential(credential, amzDate, 'AuthorizationHeaderMalformed'),
    amzDate,
    signedHeaders: signedHeaders.split(';'),
    signature: given,
    payloadHash,
    query: request.query.entries,
  }
}

function presignedClaim(request: S3Request): Claim {
  const parameter = (name: string): string => {
    const value = request.query.get(name)
    if (value === undefined || value === '') {
      throw new S3Error('AuthorizationQueryParametersError', {
        message:
          'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      })
    }
    return value
  }
  if (parameter('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') {
    throw new S3Error('AuthorizationQueryParametersError', {
      message: 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"',
    })
  }
  const amzDate = parameter('X-Amz-Date')
  if (parseAmzDate(amzDate) === undefined) {
    throw new S3Error('AuthorizationQueryParametersError', {
      message: "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
    })
  }
  const expires = parameter('X-Amz-Expires')
  if (!/^\d+$/.test(expires) || Number(expires) > LONGEST_PRESIGNED_SECONDS) {
    throw new S3Error('AuthorizationQueryParametersError', {
      message: `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${LONGEST_PRESIGNED_SECONDS} seconds`,
    })
  }
  return {
    ...parseCredential(parameter('X-Amz-Credential'), amzDate, 'AuthorizationQueryParametersError'),
    amzDate,
    signedHeaders: parameter('X-Amz-SignedHeaders').split(';'),
    signature: parameter('X-Amz-Signature'),
    payloadHash: request.header('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
    query: request.query.entries.filter(([name]) => name !== 'X-Amz-Signature'),
  }
}

function parseCredential(
  credential: string,
  amzDate: string,
  code: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError',
): { accessKeyId: string; scope: Scope } {
  const [accessKeyId, date, region, service, terminator, ...rest] = credential.split('/')
  const complete = accessKeyId !== undefined && date !== undefined && region !== undefined && service !== undefined
  if (!complete || terminator !== 'aws4_request' || rest.length > 0) {
    throw new S3Error(code, {
      message: 'The Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    })
  }
  if (service !== 's3')
    throw new S3Error(code, { message: `incorrect service "${service}". This endpoint belongs to "s3".` })
  if (date !== amzDate.slice(0, 8)) {
    throw new S3Error(code, {
      message: `Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    })
  }
  return { accessKeyId, scope: { date, region, service } }
}

function checkIdentity(claim: Claim, credentials: Credentials, rules: AuthenticationRules): void {
  if (!sameText(claim.accessKeyId, credentials.accessKeyId)) {
    throw new S3Error('InvalidAccessKeyId', { details: [['AWSAccessKeyId', claim.accessKeyId]] })
  }
  if (rules.region !== undefined && claim.scope.region !== rules.region) {
    throw new S3Error('AuthorizationHeaderMalformed', {
      message: `The authorization header is malformed; the region '${claim.scope.region}' is wrong; expecting '${rules.region}'`,
      details: [['Region', rules.region]],
    })
  }
}

function checkSkew(claim: Claim, now: Date): void {
  const sent = parseAmzDate(claim.amzDate) ?? 0
  if (Math.abs(now.getTime() - sent) <= SKEW_MS) return
  throw new S3Error('RequestTimeTooSkewed', {
    details: [
      ['RequestTime', claim.amzDate],
      ['ServerTime', now.toISOString()],
      ['MaxAllowedSkewMilliseconds', String(SKEW_MS)],
    ],
  })
}

function checkLifetime(request: S3Request, claim: Claim, now: Date): void {
  const from = parseAmzDate(claim.amzDate) ?? 0
  const seconds = Number(request.query.get('X-Amz-Expires'))
  const until = from + seconds * 1000
  if (now.getTime() > until) {
    throw new S3Error('AccessDenied', {
      message: 'Request has expired',
      details: [
        ['X-Amz-Expires', String(seconds)],
        ['Expires', new Date(until).toISOString()],
        ['ServerTime', now.toISOString()],
      ],
    })
  }
  if (from - now.getTime() > SKEW_MS) throw new S3Error('AccessDenied', { message: 'Request is not valid yet' })
}

/** An unsigned x-amz header could change what the request does without its signer's consent. */
function refuseUnsignedHeaders(request: S3Request, claim: Claim): void {
  if (!claim.signedHeaders.includes('host')) {
    throw new S3Error('AccessDenied', {
      message: 'There were headers present in the request which were not signed',
      details: [['HeadersNotSigned', 'host']],
    })
  }
  const unsigned = Object.keys(request.source.headers).filter(
    (name) => name.startsWith('x-amz-') && name !== 'x-amz-content-sha256' && !claim.signedHeaders.includes(name),
  )
  if (unsigned.length === 0) return
  throw new S3Error('AccessDenied', {
    message: 'There were headers present in the request which were not signed',
    details: [['HeadersNotSigned', unsigned.join(', ')]],
  })
}

function checkSignature(request: S3Request, claim: Claim, secretAccessKey: string): Buffer {
  const canonical = canonicalRequest({
    method: request.method,
    path: request.path,
    query: claim.query,
    headers: claim.signedHeaders.map((name) => [name, request.header(name) ?? ''] as const),
    payloadHash: claim.payloadHash,
  })
  const text = stringToSign(claim.amzDate, claim.scope, canonical)
  const key = signingKey(secretAccessKey, claim.scope)
  if (sameText(signature(key, text), claim.signature)) return key
  throw new S3Error('SignatureDoesNotMatch', {
    details: [
      ['AWSAccessKeyId', claim.accessKeyId],
      ['StringToSign', text],
      ['SignatureProvided', claim.signature],
      ['CanonicalRequest', canonical],
    ],
  })
}

function payloadProof(claim: Claim, key: Buffer): PayloadProof {
  const signing = { key, amzDate: claim.amzDate, scope: claim.scope, seed: claim.signature }
  switch (claim.payloadHash) {
    case 'UNSIGNED-PAYLOAD':
      return { kind: 'unsigned' }
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'chunks', trailer: true }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'chunks', trailer: false, signing }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'chunks', trailer: true, signing }
    default:
      if (/^[0-9a-f]{64}$/i.test(claim.payloadHash)) return { kind: 'sha256', hex: claim.payloadHash.toLowerCase() }
      throw invalidArgument(
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
        ['x-amz-content-sha256', claim.payloadHash],
      )
  }
}

/** Constant time in the content; the lengths aren't secret. */
export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

function parseAmzDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second] = match
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}

function dateHeader(text: string | undefined): string | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

function unsupportedMechanism(): S3Error {
  return invalidRequest('The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.')
}
