import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectLockRetention } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { bookFolders } from '../functions/domain/object-keys.ts'
import type { Deployment } from './deployment-config.ts'

/** Where archives go. It outlives the stack, its objects are versioned, and only Apply retention can delete a version. */
export class ArchiveBucket extends Construct {
  readonly bucket: IBucket

  constructor(scope: Construct, id: string, config: Deployment['bucket']) {
    super(scope, id)
    const { name, objectLock } = config
    const bucket = new Bucket(this, 'Bucket', {
      ...(name !== undefined && { bucketName: name }),
      encryption: BucketEncryption.S3_MANAGED,
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
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        // Later than a failed guest can be repeated: whoever repeats it goes on with the parts that S3 has.
        { id: 'abandoned-uploads', abortIncompleteMultipartUploadAfter: Duration.days(config.abandonedUploadDays) },
        // Under Object Lock, S3 waits with these until the lock of a version has ended.
        // Books are rewritten or short-lived: only their newest version means anything.
        ...bookFolders.map((folder) => ({
          id: `old-versions-of-${folder}`,
          prefix: `${config.keyPrefix}${folder}/`,
          noncurrentVersionExpiration: Duration.days(30),
          expiredObjectDeleteMarker: true,
        })),
      ],
    })
    // CDK's own typings disagree here under exactOptionalPropertyTypes.
    this.bucket = bucket as IBucket
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Server access logs would need a second bucket per deployment. Who reads archives is told by CloudTrail data events, which an account switches on for all its buckets.',
    })
  }
}
