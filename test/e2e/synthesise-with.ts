import { App } from 'aws-cdk-lib'
import { type DeploymentConfig, parseDeployment } from '../../lib/deployment-config.ts'
import { deploymentStacks } from '../../lib/deployment-stacks.ts'

/** The app of a deployment of a test's own. */
export function synthesiseWith(directory: string, config: DeploymentConfig): string {
  const app = new App({ outdir: directory })
  const deployment = parseDeployment(config, 'the test')
  deploymentStacks(app, deployment)
  return app.synth().directory
}
