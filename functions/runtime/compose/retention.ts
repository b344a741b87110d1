import { createS3Client } from '../../aws/s3-client.ts'
import { S3VersionStore } from '../../aws/s3-version-store.ts'
import { storeEnv } from '../../contracts/task-env.ts'
import { listPrices } from '../../domain/prices/list-prices.ts'
import type { RetentionPorts } from '../../operations/pruning/retention-ports.ts'
import type { Invocation } from '../define-handler.ts'
import { readEnv } from '../env.ts'
import { hasOwnEndpoint, ownerIn } from './store.ts'

/** Kept between calls of one environment. */
let versions: S3VersionStore | undefined

/** What pruning needs beside the store: only its own function may remove versions. */
export function withRetention(_invocation: Invocation): Pick<RetentionPorts, 'versions' | 'prices'> {
  const env = readEnv(storeEnv)
  const settings = () => ({ pathStyle: hasOwnEndpoint(), owner: ownerIn(env) })
  versions ??= new S3VersionStore(createS3Client(settings()), env.ARCHIVE_BUCKET, () => new Date())
  return { versions, prices: listPrices }
}
