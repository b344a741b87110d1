/** What the distributed map reads and writes. CDK would let the workflow read and write the whole bucket for it. */
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import {
  OutputType,
  ResultWriterV2,
  S3JsonItemReader,
  Transformation,
  WriterConfig,
} from 'aws-cdk-lib/aws-stepfunctions'
import type { ArchiveBucket } from '../archive-bucket.ts'

/** Reads a JSON array of plan items from the runs' folder. */
export class PlanReader extends S3JsonItemReader {
  private readonly archive: ArchiveBucket

  constructor(archive: ArchiveBucket, key: string) {
    super({ bucket: archive.bucket, key })
    this.archive = archive
  }

  override providePolicyStatements(): PolicyStatement[] {
    return [new PolicyStatement({ actions: ['s3:GetObject'], resources: [this.archive.arnOf('runs')] })]
  }
}

/** Writes the children's results into the runs' folder. */
export class MapResultWriter extends ResultWriterV2 {
  private readonly archive: ArchiveBucket

  constructor(archive: ArchiveBucket, prefix: string) {
    super({
      bucket: archive.bucket,
      prefix,
      writerConfig: new WriterConfig({ transformation: Transformation.NONE, outputType: OutputType.JSON }),
    })
    this.archive = archive
  }

  override providePolicyStatements(): PolicyStatement[] {
    // Large results go up in parts, which a cancelled map takes back.
    const actions = ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload']
    return [new PolicyStatement({ actions, resources: [this.archive.arnOf('runs')] })]
  }
}
