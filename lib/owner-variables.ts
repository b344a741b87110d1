import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'

/** What functions say to S3 about the owner of an existing bucket. A bucket of the deployment's own needs none of it. */
export function ownerVariables(
  scope: Construct,
  { bucket: { existing } }: Pick<Deployment, 'bucket'>,
): { BUCKET_OWNER?: string; OBJECT_ACL?: string } {
  if (existing === undefined) return {}
  const { account = Stack.of(scope).account, objectAcl } = existing
  return { BUCKET_OWNER: account, ...(objectAcl !== undefined && { OBJECT_ACL: objectAcl }) }
}
