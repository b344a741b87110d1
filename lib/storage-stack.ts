import { CfnOutput, Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { ArchiveBucket } from './archive-bucket.ts'
import { type Deployment, environmentOf } from './deployment-config.ts'

/** What has to survive everything else: the archives. Apart from the export stack, which can be torn down and made anew. */
export class StorageStack extends Stack {
  readonly archive: ArchiveBucket

  constructor(scope: Construct, deployment: Deployment) {
    super(scope, `guestlift-${deployment.name}-storage`, {
      description: `Guestlift ${deployment.name}: the archive bucket`,
      terminationProtection: true,
      ...environmentOf(deployment),
    })
    this.archive = new ArchiveBucket(this, 'Archive', deployment.bucket)
    new CfnOutput(this, 'ArchiveBucketName', { value: this.archive.bucket.bucketName })
  }
}
