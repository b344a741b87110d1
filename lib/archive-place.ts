import { Fn, Stack, Token } from 'aws-cdk-lib'
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct, IConstruct } from 'constructs'
import { ArchiveAccess, type ArchiveKeys } from './archive-access.ts'
import { type Deployment, DeploymentConfigError } from './deployment-config.ts'

/** A bucket for the archives of one deployment, as stacks that work with it see it. */
export interface ArchivePlace {
  /** Of the deployment that archives here. */
  readonly deploymentName: string
  readonly config: Deployment['bucket']
  /** Absent where the bucket is known by its export alone. */
  readonly bucket?: IBucket
}

/** Under this name, a stack exports the name of the bucket. */
export function bucketExport(deploymentName: string): string {
  return `guestlift-${deploymentName}-archive-bucket`
}

/** Under this name, a stack exports the ARN of the key that was made for the bucket. */
export function keyExport(deploymentName: string): string {
  return `guestlift-${deploymentName}-archive-key`
}

/** The place that the storage stack of a deployment exports. */
export function placeOf({ name, bucket }: Pick<Deployment, 'name' | 'bucket'>): ArchivePlace {
  return { deploymentName: name, config: bucket }
}

/**
 * The bucket, for use in the stack of `scope`, which is deployed after the bucket's own.
 * @param mapResults where results of distributed maps go, if not there
 */
export function archiveOf(
  scope: Construct,
  { deploymentName, config, bucket }: ArchivePlace,
  mapResults?: IBucket,
): ArchiveAccess {
  const own = Stack.of(scope)
  const { existing, name: itsName = '' } = config
  if (existing !== undefined) {
    const archive = Bucket.fromBucketName(scope, 'Archive', itsName)
    return new ArchiveAccess(archive, config.keyPrefix, { keys: keys(), objectAcl: existing.objectAcl, mapResults })
  }
  const other = bucket === undefined ? undefined : Stack.of(bucket)
  if (other !== undefined && other !== own) own.addStackDependency(other)
  const name = bucket !== undefined && other === own ? bucket.bucketName : Fn.importValue(bucketExport(deploymentName))
  return new ArchiveAccess(Bucket.fromBucketName(scope, 'Archive', name), config.keyPrefix, { keys: keys() })

  function keys(): ArchiveKeys {
    const { kmsKey, formerKmsKeys: former } = config
    if (kmsKey === undefined) return { former }
    const made = bucket !== undefined && Stack.of(bucket) === own ? bucket.encryptionKey?.keyArn : undefined
    return { present: kmsKey.arn ?? made ?? Fn.importValue(keyExport(deploymentName)), former }
  }
}

/**
 * CloudFormation would refuse such a stack too, after minutes and in other words.
 * @throws DeploymentConfigError
 */
export function requirePlaceOf(scope: IConstruct, deploymentName: string, place: ArchivePlace): void {
  if (place.deploymentName !== deploymentName) {
    throw new DeploymentConfigError(
      `${scope.node.path} is the deployment ${deploymentName}, and its storage is of ${place.deploymentName}. ` +
        `Pass the same name to both.`,
    )
  }
  if (place.bucket === undefined || place.config.existing !== undefined) return
  const [own, other] = [Stack.of(scope), Stack.of(place.bucket)]
  for (const key of ['account', 'region'] as const) {
    if (own[key] === other[key] || Token.isUnresolved(own[key]) || Token.isUnresolved(other[key])) continue
    throw new DeploymentConfigError(
      `${scope.node.path} goes to ${key} ${own[key]}, and its storage to ${other[key]}. Give both stacks the same env.`,
    )
  }
}
