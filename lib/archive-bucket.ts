import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectLockRetention } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'

/** The folders of the bucket; `functions/domain/object-keys.ts` says what lies in each. */
export type Folder = 'archives' | 'runs' | 'claims' | 'uploads' | 'schedules'

/** Folders whose objects are rewritten or short-lived: only their newest version means anything. */
const bookkeeping: readonly Folder[] = ['runs', 'claims', 'uploads', 'schedules']

/** Where archives go. It outlives the stack, its objects are versioned, and nothing in the app can delete a version. */
export class ArchiveBucket extends Construct {
  readonly bucket: IBucket
  private readonly keyPrefix: string

  constructor(scope: Construct, id: string, config: Deployment['bucket']) {
    super(scope, id)
    this.keyPrefix = config.keyPrefix
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
        // Later than the redrive window: a redriven run goes on with the parts that S3 has.
        { id: 'abandoned-uploads', abortIncompleteMultipartUploadAfter: Duration.days(config.abandonedUploadDays) },
        // Under Object Lock, S3 waits with these until the lock of a version has ended.
        ...bookkeeping.map((folder) => ({
          id: `old-versions-of-${folder}`,
          prefix: this.within(folder),
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

  /** Read a folder's objects. A missing object answers 404 only to those who may list the bucket, else 403. */
  grantRead(grantee: IGrantable, folder: Folder): void {
    this.allow(grantee, ['s3:GetObject'], folder)
    Grant.addToPrincipal({ grantee, actions: ['s3:ListBucket'], resourceArns: [this.bucket.bucketArn] })
  }

  grantWrite(grantee: IGrantable, folder: Folder): void {
    this.allow(grantee, ['s3:PutObject'], folder)
  }

  /** Hide a folder's objects behind a delete marker; no version is ever deleted. */
  grantRemove(grantee: IGrantable, folder: Folder): void {
    this.allow(grantee, ['s3:DeleteObject'], folder)
  }

  /** Find, resume, fill, complete and abort multipart uploads of archives. */
  grantUpload(grantee: IGrantable): void {
    this.allow(grantee, ['s3:PutObject', 's3:ListMultipartUploadParts'], 'archives')
    this.grantAbortUpload(grantee)
  }

  /** Find and abort multipart uploads of archives. */
  grantAbortUpload(grantee: IGrantable): void {
    this.allow(grantee, ['s3:AbortMultipartUpload'], 'archives')
    const resourceArns = [this.bucket.bucketArn]
    Grant.addToPrincipal({ grantee, actions: ['s3:ListBucketMultipartUploads'], resourceArns })
  }

  /** ARN pattern of all objects in a folder. */
  arnOf(folder: Folder): string {
    return this.bucket.arnForObjects(`${this.within(folder)}*`)
  }

  private within(folder: Folder): string {
    return `${this.keyPrefix}${folder}/`
  }

  private allow(grantee: IGrantable, actions: string[], folder: Folder): void {
    Grant.addToPrincipal({ grantee, actions, resourceArns: [this.arnOf(folder)] })
  }
}
