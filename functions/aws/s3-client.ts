import { S3Client } from '@aws-sdk/client-s3'
import { requestHandler } from '../aws-api/request-handler.ts'
import { judgeAnswers } from './s3-answers.ts'
import { checksumSetting, mindRefusedChecksums } from './s3-checksum-headers.ts'
import { type BucketOwner, expectOwner } from './s3-owner.ts'
import { type OnFailedTry, tellFailedTries } from './s3-failed-tries.ts'

export interface S3ClientOptions {
  /** Without it the SDK looks: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile, then AWS itself. */
  endpoint?: string
  /** Without it the SDK looks: AWS_REGION, the profile. */
  region?: string
  /** Bucket in the path, not in the host name: what endpoints other than AWS mostly need. */
  pathStyle?: boolean
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** How long S3 may be silent. Completing an upload takes minutes, but S3 sends spaces meanwhile. */
  socketTimeoutMilliseconds?: number
  /** Tries of each request but parts, which have their own loop. */
  maxAttempts?: number
  /** What each request says about the owner of the bucket. */
  owner?: BucketOwner | undefined
  /** Told of each try that may pass by itself and failed. */
  onFailedTry?: OnFailedTry
}

/** More than the parts in flight, so that none waits for a socket. */
const MAX_SOCKETS = 16
const CONNECT_TIMEOUT_MILLISECONDS = 5_000
const SOCKET_TIMEOUT_MILLISECONDS = 45_000
const MAX_ATTEMPTS = 4

/** The SDK warns on the console that it can't repeat a part. We do that; and failures are reported as errors. */
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * An S3 client set up for large bodies. The SDK's defaults would open a TLS connection for each part (it waits for
 * `100 Continue` on an agent of its own unless given an agent *instance*) and wait for ever on a silent server.
 */
export function createS3Client(options: S3ClientOptions = {}): S3Client {
  const { endpoint, region, credentials } = options
  const client: S3Client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    maxAttempts: options.maxAttempts ?? MAX_ATTEMPTS,
    logger: silent,
    expectContinueHeader: false,
    // Whatever the environment or a profile says: a bucket that locks what is written wants a checksum with each object.
    requestChecksumCalculation: checksumSetting(() => client),
    responseChecksumValidation: checksumSetting(() => client),
    requestHandler: requestHandler({
      maxSockets: MAX_SOCKETS,
      connectionTimeout: CONNECT_TIMEOUT_MILLISECONDS,
      socketTimeout: options.socketTimeoutMilliseconds ?? SOCKET_TIMEOUT_MILLISECONDS,
    }),
  })
  judgeAnswers(client)
  mindRefusedChecksums(client)
  if (options.owner !== undefined) expectOwner(client, options.owner)
  if (options.onFailedTry !== undefined) tellFailedTries(client, options.onFailedTry)
  return client
}
