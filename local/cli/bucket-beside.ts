/** Which bucket a command means that may name one beside a deployment. */
import type { BucketOwner } from '../../functions/aws/s3-owner.ts'
import type { Deployment } from '../../lib/deployment-config.ts'
import type { BucketOptions } from './bucket-store.ts'

/** As the command line and settings say it; `settlePlace` has sorted out which of them hold. */
export interface BesideOptions extends Partial<BucketOptions> {
  /** What settings say as strongly as the deployment: it counts where the deployment leaves its bucket's name open. */
  usualBucket?: Partial<BucketOptions>
}

/** The bucket that is named, else the deployment's own, else that of settings; `undefined` where none is known. */
export function bucketBeside(
  { bucket, s3, prefix, usualBucket = {} }: BesideOptions,
  deployment: (Pick<Deployment, 'account'> & { bucket: BucketOf }) | undefined,
): BucketOptions | undefined {
  const named = bucket ?? deployment?.bucket.name
  const usual = named === undefined ? usualBucket : {}
  const name = named ?? usual.bucket
  if (name === undefined) return undefined
  const endpoint = s3 ?? usual.s3
  const owner = bucket === undefined ? ownerOf(deployment) : undefined
  const inFront = prefix ?? usual.prefix ?? deployment?.bucket.keyPrefix
  return {
    bucket: name,
    ...(endpoint === undefined ? {} : { s3: endpoint }),
    ...(inFront === undefined ? {} : { prefix: inFront }),
    ...(owner === undefined ? {} : { owner }),
  }
}

type BucketOf = Pick<Deployment['bucket'], 'name' | 'keyPrefix' | 'existing'>

/** Of an existing bucket; without an account in the deployment, nobody knows here whose it has to be. */
function ownerOf(
  deployment: (Pick<Deployment, 'account'> & { bucket: BucketOf }) | undefined,
): BucketOwner | undefined {
  const { existing } = deployment?.bucket ?? {}
  const account = existing?.account ?? deployment?.account
  if (existing === undefined || account === undefined) return undefined
  return { account, objectAcl: existing.objectAcl }
}
