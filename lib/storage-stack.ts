import { CfnOutput, Fn, Stack } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { ArchiveAccess } from './archive-access.ts'
import { ArchiveBucket } from './archive-bucket.ts'
import { type Deployment, environmentOf } from './deployment-config.ts'

/** What has to survive everything else: the archives. Apart from the export stack, which can be torn down and made anew. */
export class StorageStack extends Stack {
  constructor(app: Construct, deployment: Deployment) {
    super(app, `guestlift-${deployment.name}-storage`, {
      description: `Guestlift ${deployment.name}: the archive bucket`,
      terminationProtection: true,
      suppressTemplateIndentation: true,
      ...environmentOf(deployment),
    })
    const { bucket } = new ArchiveBucket(this, 'Archive', deployment.bucket)
    // As an export, CloudFormation refuses to replace the bucket while the export stack uses it.
    new CfnOutput(this, 'ArchiveBucketName', { value: bucket.bucketName, exportName: bucketExport(deployment) })
  }
}

function bucketExport(deployment: Deployment): string {
  return `guestlift-${deployment.name}-archive-bucket`
}

/** The bucket of the storage stack, for use in another stack. */
export function archiveOf(scope: Construct, deployment: Deployment): ArchiveAccess {
  const bucket = Bucket.fromBucketName(scope, 'Archive', Fn.importValue(bucketExport(deployment)))
  return new ArchiveAccess(bucket, deployment.bucket.keyPrefix)
}
