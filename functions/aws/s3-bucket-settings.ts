import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { BucketSettings, Known } from '../domain/doctor/bucket-settings.ts'
import { sentence } from '../domain/words/sentence.ts'
import { errorCode, storeFact } from './s3-errors.ts'

/** Look at what a bucket is set to. Never throws: what can't be read is in the answer, with the reason. */
export async function readBucketSettings(client: S3Client, bucket: string): Promise<BucketSettings> {
  const known = async <Value>(ask: () => Promise<Value>): Promise<Known<Value>> => {
    try {
      return { value: await ask() }
    } catch (error) {
      const fact = storeFact(error, { bucket, key: '', verb: 'look at the settings of' })
      return { unknown: sentence(fact.message) }
    }
  }
  const [versioning, lock, region] = await Promise.all([
    known(() => versioningOf(client, bucket)),
    known(() => lockOf(client, bucket)),
    known(async () => (await client.send(new HeadBucketCommand({ Bucket: bucket }))).BucketRegion ?? ''),
  ])
  const hasRegion = 'value' in region && region.value !== ''
  return { versioning, lock, ...(hasRegion ? { region } : {}) }
}

async function versioningOf(client: S3Client, bucket: string): Promise<'on' | 'suspended' | 'off'> {
  const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))
  if (Status === 'Enabled') return 'on'
  return Status === 'Suspended' ? 'suspended' : 'off'
}

async function lockOf(client: S3Client, bucket: string): Promise<'off' | { mode: string; days?: number }> {
  try {
    const answer = await client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }))
    const { Mode: mode = 'on', Days: days, Years: years } = answer.ObjectLockConfiguration?.Rule?.DefaultRetention ?? {}
    const inDays = days ?? (years === undefined ? undefined : years * 365)
    return { mode, ...(inDays === undefined ? {} : { days: inDays }) }
  } catch (error) {
    if (errorCode(error) === 'ObjectLockConfigurationNotFoundError') return 'off'
    throw error
  }
}
