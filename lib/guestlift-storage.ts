import { CfnOutput, Tags } from 'aws-cdk-lib'
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { ArchiveBucket } from './archive-bucket.ts'
import { type ArchivePlace, bucketExport, keyExport } from './archive-place.ts'
import { type Deployment, type DeploymentConfig, parseStorage } from './deployment-config.ts'

/** Of a deployment, what its storage goes by. The whole deployment may be passed. */
export type GuestliftStorageProps = Pick<DeploymentConfig, 'name' | 'bucket' | 'tags'>

/**
 * The archive bucket of a deployment. CloudFormation keeps it whatever becomes of the stack. Best in a stack of its own with
 * `terminationProtection`, apart from `Guestlift`, which can be torn down and made anew.
 */
export class GuestliftStorage extends Construct implements ArchivePlace {
  readonly bucket: IBucket
  /** Of the deployment that archives here. */
  readonly deploymentName: string
  readonly config: Deployment['bucket']

  /** @throws DeploymentConfigError */
  constructor(scope: Construct, id: string, props: GuestliftStorageProps) {
    super(scope, id)
    const { name, bucket, tags } = parseStorage(props, this.node.path)
    this.deploymentName = name
    this.config = bucket
    if (bucket.existing !== undefined) {
      // It stays as its owner set it: no tags, no policy, no rules.
      this.bucket = Bucket.fromBucketName(this, 'Archive', bucket.name ?? '')
      return
    }
    this.bucket = new ArchiveBucket(this, 'Archive', bucket).bucket
    for (const [tag, value] of Object.entries(tags)) Tags.of(this).add(tag, value)
    // As an export, CloudFormation refuses to replace the bucket while another stack uses it.
    new CfnOutput(this, 'ArchiveBucketName', { value: this.bucket.bucketName, exportName: bucketExport(name) })
    const ownKey = bucket.kmsKey?.arn === undefined ? this.bucket.encryptionKey : undefined
    if (ownKey === undefined) return
    new CfnOutput(this, 'ArchiveKeyArn', { value: ownKey.keyArn, exportName: keyExport(name) })
  }
}
