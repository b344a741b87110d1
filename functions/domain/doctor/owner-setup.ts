/** What the owner of an existing bucket sets on it, since no stack of ours may: as a policy, and as commands. Pure. */
import { LEAST_MOVED_BYTES } from '../../contracts/transitions.ts'
import { lifecycleGuards, type LifecycleTerms, writtenOnce } from '../books/bucket-guards.ts'

export interface OwnerSetup extends LifecycleTerms {
  bucket: string
  /** The deployment's account, where the bucket is of another one: the bucket's policy then has to let it in. */
  guest?: string | undefined
  /** Objects are sent with an ACL. */
  sendsAcl: boolean
}

/** All that roles of a deployment do with objects; `test/lib/existing-bucket.test.ts` compares it with theirs. */
const OBJECT_ACTIONS = [
  'GetObject',
  'GetObjectVersion',
  'GetObjectRetention',
  'GetObjectLegalHold',
  'PutObject',
  'PutObjectRetention',
  'DeleteObject',
  'DeleteObjectVersion',
  'AbortMultipartUpload',
  'ListMultipartUploadParts',
  'RestoreObject',
]
/** With the bucket, and what the doctor looks at. */
const BUCKET_ACTIONS = [
  'ListBucket',
  'ListBucketVersions',
  'ListBucketMultipartUploads',
  'GetBucketVersioning',
  'GetBucketObjectLockConfiguration',
  'GetBucketOwnershipControls',
  'GetLifecycleConfiguration',
]

const asActions = (names: readonly string[]) => names.map((name) => `s3:${name}`)

/** Lets the other account in, where there is one, and guards archives from all. */
export function ownerPolicy(setup: OwnerSetup): { Version: string; Statement: object[] } {
  const arn = `arn:aws:s3:::${setup.bucket}`
  const objects = (keys: readonly string[]) => keys.map((key) => `${arn}/${key}`)
  const guards = writtenOnce(setup.keyPrefix).map(({ sid, keys, keysBut, conditions }) => ({
    Sid: sid,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    ...(keys === undefined ? {} : { Resource: objects(keys) }),
    ...(keysBut === undefined ? {} : { NotResource: objects(keysBut) }),
    Condition: conditions,
  }))
  return { Version: '2012-10-17', Statement: [...lettingIn(setup, arn), ...guards] }
}

function lettingIn({ guest, keyPrefix, sendsAcl }: OwnerSetup, arn: string): object[] {
  if (guest === undefined) return []
  // The account's own policies say which of its roles may do what of this.
  const allowed = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${guest}:root` } }
  const onObjects = asActions([...OBJECT_ACTIONS, ...(sendsAcl ? ['PutObjectAcl'] : [])])
  return [
    { Sid: 'GuestliftObjects', ...allowed, Action: onObjects, Resource: `${arn}/${keyPrefix}*` },
    { Sid: 'GuestliftBucket', ...allowed, Action: asActions(BUCKET_ACTIONS), Resource: arn },
  ]
}

/** As `put-bucket-lifecycle-configuration` takes it. */
export function ownerLifecycle(setup: OwnerSetup): { Rules: object[] } {
  return {
    Rules: lifecycleGuards(setup).map(
      ({ id, prefix = setup.keyPrefix, abandonedUploadDays: days, oldVersionDays, transitions }) => ({
        ID: `guestlift-${id}`,
        Status: 'Enabled',
        Filter:
          transitions === undefined
            ? { Prefix: prefix }
            : { And: { Prefix: prefix, ObjectSizeGreaterThan: LEAST_MOVED_BYTES - 1 } },
        ...(days === undefined ? {} : { AbortIncompleteMultipartUpload: { DaysAfterInitiation: days } }),
        ...(oldVersionDays === undefined
          ? {}
          : {
              NoncurrentVersionExpiration: { NoncurrentDays: oldVersionDays },
              Expiration: { ExpiredObjectDeleteMarker: true },
            }),
        ...(transitions === undefined
          ? {}
          : {
              Transitions: transitions.map(({ storageClass, afterDays }) => ({
                StorageClass: storageClass,
                Days: afterDays,
              })),
            }),
      }),
    ),
  }
}

/** Commands for a shell, each after the lines that say what it does. */
export function ownerCommands(setup: OwnerSetup): string[] {
  const { bucket, guest, sendsAcl } = setup
  const command = (name: string, argument: string) => `aws s3api ${name} --bucket ${bucket} ${argument}`
  // Nothing in it has an apostrophe: names, prefixes and numbers.
  const json = (value: object) => `'${JSON.stringify(value, undefined, 2)}'`
  return [
    `# For the owner of the bucket ${bucket}.`,
    '# The second and the third command replace the rules and the policy that the bucket has.',
    '# Look at both first, and keep what is yours in them:',
    command('get-bucket-lifecycle-configuration', ''),
    command('get-bucket-policy', '--query Policy --output text'),
    '',
    '# Keeps what somebody overwrites or deletes.',
    command('put-bucket-versioning', '--versioning-configuration Status=Enabled'),
    '',
    "# Ends uploads that nobody completes, and old versions of Guestlift's own records.",
    ...(setup.transitions.length === 0 ? [] : ['# Moves archives to colder classes.']),
    command('put-bucket-lifecycle-configuration', `--lifecycle-configuration ${json(ownerLifecycle(setup))}`),
    '',
    guest === undefined
      ? '# Refuses to overwrite archives, whoever asks.'
      : `# Lets account ${guest} in, and refuses to overwrite archives, whoever asks.`,
    '# The last statement also refuses to replace other objects with If-Match.',
    command('put-bucket-policy', `--policy ${json(ownerPolicy(setup))}`),
    ...(guest === undefined || sendsAcl
      ? []
      : [
          '',
          '# Makes the owner of the bucket the owner of each object.',
          command('put-bucket-ownership-controls', `--ownership-controls ${json(BY_OWNER)}`),
        ]),
  ].map((line) => line.trimEnd())
}

const BY_OWNER = { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] }
