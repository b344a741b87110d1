/**
 * What the distributed map reads and writes. CDK's own classes would let the workflow read and write the whole bucket;
 * these leave the rights to `ArchiveAccess.grantMapFiles`.
 */
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import {
  OutputType,
  ResultWriterV2,
  S3JsonItemReader,
  Transformation,
  WriterConfig,
} from 'aws-cdk-lib/aws-stepfunctions'

/** Reads a JSON array of plan items. */
export class PlanReader extends S3JsonItemReader {
  constructor(bucket: IBucket, key: string) {
    super({ bucket, key })
  }

  override providePolicyStatements(): PolicyStatement[] {
    return []
  }
}

/** Writes the children's results below a prefix. */
export class MapResultWriter extends ResultWriterV2 {
  constructor(bucket: IBucket, prefix: string) {
    const writerConfig = new WriterConfig({ transformation: Transformation.NONE, outputType: OutputType.JSON })
    super({ bucket, prefix, writerConfig })
  }

  override providePolicyStatements(): PolicyStatement[] {
    return []
  }
}
