import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type IKey, Key } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectLockRetention } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { bookFolders, contentIndexKey, rootFiles, verificationKey } from '../functions/domain/books/object-keys.ts'
import type { Deployment } from './deployment-config.ts'

/** Where archives go. It outlives the stack, its objects are versioned, and only Apply retention can delete a version. */
export class ArchiveBucket extends Construct {
  readonly bucket: IBucket

  constructor(scope: Construct, id: string, config: Deployment['bucket']) {
    super(scope, id)
    const { name, objectLock, kmsKey } = config
    const bucket = new Bucket(this, 'Bucket', {
      ...(name !== undefined && { bucketName: name }),
      ...(kmsKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: this.key(kmsKey.arn), bucketKeyEnabled: true }),
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      versioned: true,
      ...(objectLock && {
        objectLockEnabled: true,
        objectLockDefaultRetention:
          objectLock.mode === 'compliance'
            ? ObjectLockRetention.compliance(Duration.days(objectLock.days))
            : ObjectLockRetention.governance(Duration.days(objectLock.days)),
      }),
      // Kept whatever becomes of the stack, except where making it for the first time failed: it is empty then, and its
      // name would stop the next try.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        // Later than a failed guest can be repeated: anyone who repeats it goes on with the parts that S3 has.
        { id: 'abandoned-uploads', abortIncompleteMultipartUploadAfter: Duration.days(config.abandonedUploadDays) },
        // Under Object Lock, S3 waits with these until the lock of a version has ended.
        // Books are rewritten or short-lived: only their newest version means anything.
        ...[...bookFolders.map((folder) => `${folder}/`), ...rootFiles].map((key) => ({
          id: `old-versions-of-${key.replace(/\/$/, '')}`,
          prefix: `${config.keyPrefix}${key}`,
          // Disks are as large as archives, and are of use to the restore alone that unpacked them.
          noncurrentVersionExpiration: Duration.days(key === 'unpacked/' ? 1 : 30),
          expiredObjectDeleteMarker: true,
        })),
      ],
    })
    for (const statement of writtenOnce(bucket, config.keyPrefix)) bucket.addToResourcePolicy(statement)
    // What guards the archives stays with them.
    bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    // CDK's own typings disagree here under exactOptionalPropertyTypes.
    this.bucket = bucket as IBucket
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Server access logs would need a second bucket per deployment. CloudTrail data events record who reads archives, and an account switches them on for all its buckets.',
    })
  }

  /** One that is there, or one of the deployment's own. */
  private key(arn: string | undefined): IKey {
    if (arn !== undefined) return Key.fromKeyArn(this, 'Key', arn)
    return new Key(this, 'Key', {
      description: 'Guestlift: archives',
      enableKeyRotation: true,
      // Without the key, no archive can be read: it stays with them.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    })
  }
}

/**
 * No matter who may write: nothing below `archives/` is overwritten (S3 user guide, "Enforce conditional writes on Amazon S3
 * buckets"). Opening an upload and sending its parts know no conditions and make no object. Copying into the folder is
 * refused with that, also a copy onto itself that changes the storage class; lifecycle rules may.
 */
function writtenOnce(bucket: Bucket, keyPrefix: string): PolicyStatement[] {
  const keys = (pattern: string) => bucket.arnForObjects(`${keyPrefix}${pattern}`)
  const denied = { effect: Effect.DENY, principals: [new AnyPrincipal()], actions: ['s3:PutObject'] }
  return [
    new PolicyStatement({
      ...denied,
      sid: 'WriteArchivesOnlyOnCondition',
      resources: [keys('archives/*')],
      conditions: {
        Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' },
        Bool: { 's3:ObjectCreationOperation': 'true' },
      },
    }),
    new PolicyStatement({
      ...denied,
      sid: 'ReplaceOnlyRecords',
      // A verdict and an index are replaced by the next reading's, the books and the texts by those who keep them.
      notResources: [
        keys(verificationKey('archives/*/')),
        keys(contentIndexKey('archives/*/*')),
        ...bookFolders.map((folder) => keys(`${folder}/*`)),
        ...rootFiles.map(keys),
      ],
      conditions: { Null: { 's3:if-match': 'false' } },
    }),
  ]
}
