import { Tags } from 'aws-cdk-lib'
import { type IRole, ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'

/**
 * What the account demands of all that is below a construct: its tags, and the boundary of each role.
 * @param beside roles of the same that lie elsewhere
 */
export function obeyAccount(
  scope: Construct,
  { tags, permissionsBoundary }: Deployment,
  beside: Iterable<IRole>,
): void {
  const boundary =
    permissionsBoundary === undefined
      ? undefined
      : ManagedPolicy.fromManagedPolicyArn(scope, 'PermissionsBoundary', permissionsBoundary)
  for (const each of [scope, ...beside]) {
    for (const [name, value] of Object.entries(tags)) Tags.of(each).add(name, value)
    if (boundary !== undefined) PermissionsBoundary.of(each).apply(boundary)
  }
}
