import { setTimeout as delay } from 'node:timers/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { OneMachineStore } from '../../aws/one-machine-store.ts'
import type { BucketOwner } from '../../aws/s3-owner.ts'
import { createS3Client } from '../../aws/s3-client.ts'
import { S3ArchiveStore } from '../../aws/s3-archive-store.ts'
import { localEnv } from '../../contracts/process-identity.ts'
import { type StoreEnv, storeEnv } from '../../contracts/task-env.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Invocation } from '../define-handler.ts'
import { logLine } from '../log.ts'
import { readEnv } from '../env.ts'
import { identifyProcess, isGone } from '../process-identity.ts'

/** Kept between calls of one environment: its connections are worth more than a fresh start. */
let store: S3ArchiveStore | undefined

export function withStore({ task }: Invocation): Pick<Ports, 'store' | 'keyPrefix' | 's3Url'> {
  const env = readEnv(storeEnv)
  store ??= openStore(storeClient(task, ownerIn(env)), env.ARCHIVE_BUCKET, readEnv(localEnv).STORE_LOCKS)
  return { store, keyPrefix: env.KEY_PREFIX, s3Url: shownEndpoint() }
}

/** @param locks folder of this machine for the store's lock files; absent on AWS */
export function openStore(client: S3Client, bucket: string, locks: string | undefined): S3ArchiveStore {
  const deps = { sleep: (milliseconds: number) => delay(milliseconds), random: Math.random }
  if (locks === undefined) return new S3ArchiveStore(client, bucket, deps)
  const ofMachine = { now: () => new Date(), self: () => identifyProcess(), isGone }
  return new OneMachineStore(client, bucket, { ...deps, ...ofMachine }, locks)
}

/** Where the bucket is one that was there before the deployment. */
export function ownerIn({ BUCKET_OWNER, OBJECT_ACL }: StoreEnv): BucketOwner | undefined {
  return BUCKET_OWNER === undefined ? undefined : { account: BUCKET_OWNER, objectAcl: OBJECT_ACL }
}

function storeClient(task: string, owner: BucketOwner | undefined) {
  return createS3Client({
    pathStyle: hasOwnEndpoint(),
    owner,
    onFailedTry: (reason) => logLine('store-call-failed', { task, reason }),
  })
}

/** The SDK reads these by itself; endpoints other than AWS seldom serve buckets as host names. */
export function hasOwnEndpoint(): boolean {
  return ownEndpoint() !== undefined
}

/** As the commands in the bucket name it: without a password that somebody put into the address. */
function shownEndpoint(): string | undefined {
  return ownEndpoint()?.replace(/\/\/[^/@]*@/, '//')
}

function ownEndpoint(): string | undefined {
  return process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
}
