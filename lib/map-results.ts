import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'

/**
 * Where the distributed maps of a deployment leave their results, if its archives go to another account: Step Functions
 * writes them to buckets of its own account alone (developer guide, "ResultWriter"). Nothing reads them but people.
 */
export class MapResults extends Construct {
  readonly bucket: IBucket

  constructor(scope: Construct, id: string) {
    super(scope, id)
    const bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      // A bucket that holds something can't be removed: a stack that tried would fail.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        { id: 'old-results', expiration: Duration.days(90), abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
    })
    // CDK's own typings disagree here under exactOptionalPropertyTypes.
    this.bucket = bucket as IBucket
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'It holds ids and outcomes of finished executions, which Step Functions shows as well.',
    })
  }
}
