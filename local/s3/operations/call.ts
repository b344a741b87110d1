/** What an operation gets and gives. Requests come here authenticated and routed. */
import type { Access } from '../access.ts'
import { S3Error } from '../errors.ts'
import type { Lack } from '../lacks.ts'
import type { RequestBody } from '../protocol/request-body.ts'
import type { S3Request } from '../protocol/request.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectStore } from '../store/object-store.ts'

export interface Call {
  request: S3Request
  access: Access
  body: RequestBody
  store: ObjectStore
  now: Date
  region: string | undefined
  /** How long RestoreObject takes until the object can be read. */
  thawMilliseconds: number
  lacks: ReadonlySet<Lack>
  /** The account that owns the buckets. */
  ownerAccount: string
}

/** `file` is sent from `start`, `length` bytes, and closed. */
export interface FileBody {
  file: number
  start: number
  length: number
}

/** `keepAlive` in place of a body: an answer that may take long, sent with spaces before it meanwhile, as S3 does. */
export interface S3Response {
  status: number
  headers?: Record<string, string>
  body?: string | FileBody
  keepAlive?: Promise<string>
}

export type Operation = (call: Call) => S3Response | Promise<S3Response>

export const DEFAULT_REGION = 'us-east-1'

const EXPECTED_OWNER = 'x-amz-expected-bucket-owner'

export function bucketOf(call: Call): BucketStore {
  const bucket = call.store.bucket(call.request.bucket ?? '')
  // In a signed URL it is in the query, where S3 knows it in lower case only.
  const { request } = call
  const owner = request.header(EXPECTED_OWNER) ?? request.query.get(EXPECTED_OWNER)
  if (owner !== undefined && owner !== call.ownerAccount) throw new S3Error('AccessDenied')
  return bucket
}

export function keyOf(call: Call): string {
  return call.request.key ?? ''
}

export function xmlAnswer(body: string, headers: Record<string, string> = {}): S3Response {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body }
}

/** XML bodies of requests are small; the largest is a completion with 10,000 parts and their checksums. */
export const LARGEST_XML_BYTES = 8 * 1024 * 1024
