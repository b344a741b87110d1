import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  type LifecycleRule as S3LifecycleRule,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { BucketSettings, Known, LifecycleRule, OwnerSettings } from '../domain/doctor/bucket-settings.ts'
import { sentence } from '../domain/words/sentence.ts'
import { errorCode, storeFact } from './s3-errors.ts'

/** Look at what a bucket is set to. Never throws: what can't be read is in the answer, with the reason. */
export async function readBucketSettings(
  client: S3Client,
  bucket: string,
  /** Whether somebody else keeps the bucket, whose settings are then looked at as well. */
  isExisting = false,
): Promise<BucketSettings> {
  const known: Asking = async (ask) => {
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
  const owner = isExisting ? { owner: await ownerSettings(client, bucket, known) } : {}
  return { versioning, lock, ...(hasRegion ? { region } : {}), ...owner }
}

type Asking = <Value>(ask: () => Promise<Value>) => Promise<Known<Value>>

async function ownerSettings(client: S3Client, Bucket: string, known: Asking): Promise<OwnerSettings> {
  const [rules, ownership, policy] = await Promise.all([
    known(async () => {
      const answer = await orAbsent(client.send(new GetBucketLifecycleConfigurationCommand({ Bucket })), NO_RULES)
      return (answer?.Rules ?? []).filter(({ Status }) => Status !== 'Disabled').map(asRule)
    }),
    known(async () => {
      const answer = await orAbsent(client.send(new GetBucketOwnershipControlsCommand({ Bucket })), NO_OWNERSHIP)
      return answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership ?? 'none'
    }),
    known(async () => (await orAbsent(client.send(new GetBucketPolicyCommand({ Bucket })), NO_POLICY))?.Policy),
  ])
  return { rules, ownership, policy }
}

const NO_RULES = 'NoSuchLifecycleConfiguration'
const NO_OWNERSHIP = 'OwnershipControlsNotFoundError'
const NO_POLICY = 'NoSuchBucketPolicy'

async function orAbsent<Answer>(asked: Promise<Answer>, absent: string): Promise<Answer | undefined> {
  try {
    return await asked
  } catch (error) {
    if (errorCode(error) === absent) return undefined
    throw error
  }
}

function asRule(rule: S3LifecycleRule): LifecycleRule {
  const { ID: id = 'without a name', Filter = {}, Expiration = {}, AbortIncompleteMultipartUpload: ending = {} } = rule
  const { And = {}, Tag, ObjectSizeGreaterThan, ObjectSizeLessThan } = Filter
  const { Prefix: ofSeveral, ...further } = And
  // Archives have no tags, so a rule for some tag is about other objects.
  const isForTags = Tag !== undefined || (further.Tags ?? []).length > 0
  const isForSizes = [ObjectSizeGreaterThan, ObjectSizeLessThan, ...Object.values(further)].some(
    (limit) => typeof limit === 'number',
  )
  const days = ending.DaysAfterInitiation
  return {
    id,
    // The field of the rule itself is its older form.
    prefix: ofSeveral ?? Filter.Prefix ?? rule.Prefix ?? '',
    isLimited: isForTags || isForSizes,
    ...(days === undefined ? {} : { abandonedUploadDays: days }),
    removes: !isForTags && (Expiration.Days !== undefined || Expiration.Date !== undefined),
  }
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
