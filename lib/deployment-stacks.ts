import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { ExportStack } from './export-stack.ts'
import { StorageStack } from './storage-stack.ts'

/**
 * The stacks of one deployment, in an app or in a stage of a pipeline. An existing bucket needs no stack of its own.
 * @returns the stack of all that moves archives
 */
export function deploymentStacks(scope: Construct, deployment: Deployment): ExportStack {
  const storage = deployment.bucket.existing === undefined ? new StorageStack(scope, deployment) : undefined
  const exports = new ExportStack(scope, deployment)
  if (storage !== undefined) exports.addStackDependency(storage)
  return exports
}
