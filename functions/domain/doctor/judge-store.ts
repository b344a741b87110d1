/** Which check a store's error speaks against, and what a bucket's settings mean. Pure. */
import type { BucketSettings } from './bucket-settings.ts'
import { type CheckName, type Finding, failed, passed, unchecked, warning } from './finding.ts'
import { type ExistingBucket, ownerFindings } from './judge-owner-setup.ts'
import { STORE_STEPS, type StoreFacts, storeNotes, type StoreStep } from './store-steps.ts'

/** S3's names for what is wrong before the store was asked for anything, and the check that this is. */
const BY_CODE: Readonly<Record<string, CheckName>> = {
  NoSuchBucket: 'bucket',
  AllAccessDisabled: 'bucket',
  InvalidBucketName: 'bucket',
  InvalidAccessKeyId: 'keys',
  SignatureDoesNotMatch: 'keys',
  RequestTimeTooSkewed: 'keys',
  ExpiredToken: 'keys',
  InvalidToken: 'keys',
  CredentialsProviderError: 'keys',
  PermanentRedirect: 'region',
  AuthorizationHeaderMalformed: 'region',
  IllegalLocationConstraintException: 'region',
}

const BY_ERROR: Readonly<Record<string, CheckName>> = {
  NotAnObjectStore: 'store',
  StoreUnreachable: 'store',
  StoreUnavailable: 'store',
}

/** Each is known to be right once the one after it was asked about. */
const BEFORE_STEPS = ['store', 'region', 'keys', 'bucket'] as const

/** How far the store got with what was asked of it. */
interface Trial {
  done: ReadonlySet<StoreStep>
  failed?: StoreStep
}

/** What the trial of a store says of each check. `error` is what ended it. */
export function storeFindings(
  trial: Trial,
  error: Error | undefined,
  where: StorePlace,
  facts?: StoreFacts,
): Finding[] {
  const lesser = facts === undefined ? {} : lesserFindings(where.bucket, facts)
  const culprit = error === undefined ? undefined : culpritOf(error, trial)
  const names = [...BEFORE_STEPS, ...STORE_STEPS]
  const stopped = culprit === undefined ? names.length : names.indexOf(culprit)
  return names.map((name, index) => {
    if (name === culprit && error !== undefined) return failed(name, error)
    const isDone = STORE_STEPS.some((step) => step === name && trial.done.has(step))
    const less = lesser[name]
    if (less !== undefined) return warning(name, less)
    return index < stopped || isDone
      ? passed(name, words[name](where))
      : unchecked(name, 'An earlier check of the store failed.')
  })
}

/** What a store does without, of what AWS does: archives are proved and kept apart all the same. */
function lesserFindings(bucket: string, facts: StoreFacts): Partial<Record<StoreCheck, string>> {
  const proof = storeNotes(bucket, { ...facts, conditions: true })[0]
  const conditions = storeNotes(bucket, { ...facts, proof: 'full-object-crc' })[0]
  return {
    ...(proof === undefined ? {} : { checksum: proof }),
    ...(conditions === undefined ? {} : { conditions }),
  }
}

/** What the store is asked as. */
export interface StorePlace {
  bucket: string
  /** The endpoint, where it isn't AWS. */
  s3?: string | undefined
  region: string
  /** Of a bucket that was there before the deployment. */
  existing?: ExistingBucket | undefined
}

type StoreCheck = (typeof BEFORE_STEPS)[number] | StoreStep

const words: Readonly<Record<StoreCheck, (where: StorePlace) => string>> = {
  store: ({ s3 }) => s3 ?? 'Amazon S3',
  keys: () => 'accepted',
  bucket: ({ bucket }) => `s3://${bucket}`,
  region: ({ region }) => `requests are signed for ${region}`,
  upload: () => 'opened, and a part sent',
  lists: () => 'open uploads, parts and objects are listed',
  checksum: () => 'computed by the store over the whole object',
  conditions: () => 'If-None-Match and If-Match hold',
  reading: () => 'a range has the bytes that were written',
  removal: () => 'the object and the upload of this test are gone',
}

/** The check that the error speaks against. What no code tells is the step that was under way. */
function culpritOf(error: Error, trial: Trial): StoreCheck {
  const byCode = codesOf(error).flatMap((code) => BY_CODE[code] ?? [])[0] ?? BY_ERROR[error.name]
  return BEFORE_STEPS.find((name) => name === byCode) ?? checksumIn(error) ?? trial.failed ?? 'store'
}

/** Parts without a sum show in the list that the store gives of them, and what is wrong isn't the list. */
function checksumIn({ message }: Error): StoreStep | undefined {
  return /CRC-32|ChecksumAlgorithm|ChecksumType|x-amz-(sdk-)?checksum/i.test(message) ? 'checksum' : undefined
}

/** S3's name is that of the error that caused ours. */
function codesOf(error: Error): string[] {
  const { cause } = error
  return cause instanceof Error ? [cause.name, ...codesOf(cause)] : []
}

const NOT_NEEDED = 'A run does without it; this check alone needs it.'

/** What a bucket's own settings say. Only its region can be wrong. */
export function settingsFindings(settings: BucketSettings, where: StorePlace): Finding[] {
  const { owner } = settings
  const { existing } = where
  return [
    ...[regionFinding(settings, where), versioningFinding(settings, where), lockFinding(settings)].flatMap(
      (finding) => finding ?? [],
    ),
    ...(owner === undefined || existing === undefined ? [] : ownerFindings(owner, existing)),
  ]
}

function regionFinding({ region }: BucketSettings, where: StorePlace): Finding | undefined {
  // Endpoints other than AWS care little for it, and those that do refuse the first request.
  if (where.s3 !== undefined || region === undefined || 'unknown' in region || region.value === where.region) {
    return undefined
  }
  return warning(
    'region',
    `The bucket is in ${region.value}, and requests are signed for ${where.region}. Set AWS_REGION to ${region.value}.`,
  )
}

function versioningFinding({ versioning }: BucketSettings, { bucket, s3 }: StorePlace): Finding {
  const endpoint = s3 === undefined ? '' : ` --endpoint-url ${s3}`
  if ('unknown' in versioning) return unchecked('versioning', `${versioning.unknown} ${NOT_NEEDED}`)
  if (versioning.value === 'on') return passed('versioning', 'older versions of objects are kept')
  return warning(
    'versioning',
    `Versions are ${versioning.value}, so what somebody deletes or overwrites is lost for good. Turn versioning on: ` +
      `aws s3api put-bucket-versioning --versioning-configuration Status=Enabled --bucket ${bucket}${endpoint}`,
  )
}

function lockFinding({ lock }: BucketSettings): Finding {
  if ('unknown' in lock) return unchecked('lock', `${lock.unknown} ${NOT_NEEDED}`)
  const { value } = lock
  if (value === 'off') return passed('lock', 'not used; it is optional')
  return passed('lock', value.days === undefined ? 'on, without a default' : `${value.mode}, ${value.days} days`)
}
