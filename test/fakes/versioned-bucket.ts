import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  type S3Client,
  type StorageClass,
} from '@aws-sdk/client-s3'
import { S3ArchiveStore } from '../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../functions/aws/s3-client.ts'
import { S3VersionStore } from '../../functions/aws/s3-version-store.ts'
import type { StoredVersion } from '../../functions/aws/version-store.ts'
import { startS3 } from '../../local/s3/server.ts'

export interface VersionedBucket {
  url: string
  client: S3Client
  store: S3ArchiveStore
  versions: S3VersionStore
  /** Write an object, perhaps locked. Returns its version. */
  put(key: string, body: string | Buffer, its?: { retainUntil?: Date; storageClass?: StorageClass }): Promise<string>
  holdLegally(key: string, on: boolean): Promise<void>
  /** All versions and markers below a prefix. */
  all(prefix?: string): Promise<StoredVersion[]>
  close(): Promise<void>
}

/** A bucket of the embedded S3: with versions and Object Lock, with versions alone, or plain. */
export async function openVersionedBucket(
  kind: 'locking' | 'versioned' | 'plain' = 'locking',
): Promise<VersionedBucket> {
  const directory = await mkdtemp(join(tmpdir(), 'guestlift-versions-'))
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const server = await startS3({ directory, ...credentials })
  const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 2 })
  const Bucket = 'archives'
  await client.send(
    new CreateBucketCommand({ Bucket, ...(kind === 'locking' && { ObjectLockEnabledForBucket: true }) }),
  )
  if (kind === 'versioned') {
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  const versions = new S3VersionStore(client, Bucket, () => new Date())
  return {
    url: server.url,
    client,
    store: new S3ArchiveStore(client, Bucket, { sleep: async () => undefined, random: () => 0.5 }),
    versions,
    async put(key, body, { retainUntil, storageClass } = {}) {
      const answer = await client.send(
        new PutObjectCommand({
          Bucket,
          Key: key,
          Body: body,
          ...(retainUntil !== undefined && { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: retainUntil }),
          ...(storageClass !== undefined && { StorageClass: storageClass }),
        }),
      )
      return answer.VersionId ?? 'null'
    },
    async holdLegally(key, on) {
      const LegalHold = { Status: on ? ('ON' as const) : ('OFF' as const) }
      await client.send(new PutObjectLegalHoldCommand({ Bucket, Key: key, LegalHold }))
    },
    async all(prefix = '') {
      const found: StoredVersion[] = []
      for await (const version of versions.listVersions(prefix)) found.push(version)
      return found
    },
    async close() {
      client.destroy()
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
}
