/** The archive bucket for commands that read it themselves, and what that took in requests. */
import type { S3Client } from '@aws-sdk/client-s3'
import { createS3Client, type S3ClientOptions } from '../../functions/aws/s3-client.ts'
import type { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import type { BucketOwner } from '../../functions/aws/s3-owner.ts'
import type { PriceTable } from '../../functions/contracts/prices.ts'
import { listPrices } from '../../functions/domain/prices/list-prices.ts'
import { type Requests, requestDollars as priceOf } from '../../functions/domain/prices/prices.ts'
import { openStore } from '../../functions/runtime/compose/store.ts'
import { isAws, storeLocks } from '../run/store-locks.ts'
import { keyPrefixFrom } from './key-prefix.ts'

export interface BucketOptions {
  bucket: string
  s3?: string
  prefix?: string
  /** What each request says about the owner. */
  owner?: BucketOwner
}

/** Requests by their kind, tries again included: each try is billed. */
export type RequestCount = Map<string, number>

export interface OpenBucket {
  client: S3Client
  store: S3ArchiveStore
  keyPrefix: string
  requests: RequestCount
  /** Else prices of AWS say nothing about the store. */
  isAws: boolean
}

export function openBucket(
  { bucket, s3, prefix = '', owner }: BucketOptions,
  clientOptions: S3ClientOptions = {},
): OpenBucket {
  // Endpoints other than AWS care little for the region, and the SDK insists on one.
  const region = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1'
  const client = createS3Client({
    ...(s3 === undefined ? {} : { endpoint: s3, region }),
    owner,
    onFailedTry: (sentence) => process.stderr.write(`${sentence}\n`),
    ...clientOptions,
  })
  const requests: RequestCount = new Map()
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        const kind = commandName.replace(/Command$/, '')
        requests.set(kind, (requests.get(kind) ?? 0) + 1)
        return next(args)
      },
    // Behind the retries, so that each try passes.
    { step: 'finalizeRequest', priority: 'low', name: 'countRequests' },
  )
  return {
    client,
    store: openStore(client, bucket, storeLocks(s3, bucket)),
    keyPrefix: keyPrefixFrom(prefix),
    requests,
    isAws: isAws(s3),
  }
}

/** What the requests cost on AWS, at the prices of STANDARD; transfer and retrieval aren't in it. */
export function requestDollars(requests: RequestCount, table: PriceTable = listPrices): number {
  return [...requests].reduce((sum, [kind, count]) => sum + priceOf({ [billedAs(kind)]: count }, 'STANDARD', table), 0)
}

/**
 * `Requests: 12 ListObjectsV2, 40 GetObject; $0.00008.`
 * @param options with details, what the requests would cost on AWS where the store is another, and what isn't in it
 */
export function requestLine(
  { requests, isAws }: Pick<OpenBucket, 'requests' | 'isAws'>,
  { details = false, table = listPrices }: { details?: boolean; table?: PriceTable } = {},
): string {
  const each = [...requests].map(([kind, count]) => `${count} ${kind}`).join(', ')
  const dollars = `$${requestDollars(requests, table).toFixed(5)}`
  const priced = isAws ? `; ${dollars}` : ''
  const inFull = `; on AWS ${dollars} in STANDARD, without transfer and retrieval`
  return `Requests: ${each === '' ? 'none' : each}${details ? inFull : priced}.`
}

/** S3's price list knows PUT, COPY, POST and LIST; nothing for DELETE and CANCEL; and "all other requests" as GET. */
function billedAs(kind: string): keyof Requests | 'nothing' {
  if (kind.startsWith('List')) return 'lists'
  if (kind.startsWith('UploadPart')) return 'parts'
  if (/^(Put|Copy|Post|Create|Complete|Restore)/.test(kind)) return 'puts'
  return /^(Delete|Abort)/.test(kind) ? 'nothing' : 'gets'
}
