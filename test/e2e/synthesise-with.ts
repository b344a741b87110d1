import { App } from 'aws-cdk-lib'
import { type DeploymentConfig, parseDeployment } from '../../lib/deployment-config.ts'
import { ExportStack } from '../../lib/export-stack.ts'
import { StorageStack } from '../../lib/storage-stack.ts'

/** The app of a deployment of a test's own. */
export function synthesiseWith(directory: string, config: DeploymentConfig): string {
  const app = new App({ outdir: directory })
  const deployment = parseDeployment(config, 'the test')
  const storage = new StorageStack(app, deployment)
  new ExportStack(app, deployment).addStackDependency(storage)
  return app.synth().directory
}
