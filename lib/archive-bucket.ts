import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type IKey, Key } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectLockRetention } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { lifecycleGuards, type WriteGuard, writtenOnce } from '../functions/domain/books/bucket-guards.ts'
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
      lifecycleRules: lifecycleGuards(config.keyPrefix, config.abandonedUploadDays).map(
        ({ id: ruleId, prefix, abandonedUploadDays, oldVersionDays }) => ({
          id: ruleId,
          ...(prefix !== undefined && { prefix }),
          ...(abandonedUploadDays !== undefined && {
            abortIncompleteMultipartUploadAfter: Duration.days(abandonedUploadDays),
          }),
          ...(oldVersionDays !== undefined && {
            noncurrentVersionExpiration: Duration.days(oldVersionDays),
            expiredObjectDeleteMarker: true,
          }),
        }),
      ),
    })
    for (const guard of writtenOnce(config.keyPrefix)) bucket.addToResourcePolicy(asStatement(bucket, guard))
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

function asStatement(bucket: Bucket, { sid, keys, keysBut, conditions }: WriteGuard): PolicyStatement {
  const arns = (patterns: readonly string[]) => patterns.map((pattern) => bucket.arnForObjects(pattern))
  return new PolicyStatement({
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['s3:PutObject'],
    sid,
    ...(keys !== undefined && { resources: arns(keys) }),
    ...(keysBut !== undefined && { notResources: arns(keysBut) }),
    conditions,
  })
}
