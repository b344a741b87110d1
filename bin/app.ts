/** CDK's entry: read the deployment once, make its stacks, check them against the AWS Solutions rules. */
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { DeploymentConfigError } from '../lib/deployment-config.ts'
import { deploymentStacks } from '../lib/deployment-stacks.ts'
import { readDeployment } from '../local/deployments/read-deployment.ts'

try {
  const app = new App()
  const deployment = await readDeployment(app.node)
  deploymentStacks(app, deployment)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
} catch (error) {
  // A mistake in the configuration is the operator's to read; a stack trace would bury it.
  if (!(error instanceof DeploymentConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
