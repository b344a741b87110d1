import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { readDeployment } from '../../local/deployments/read-deployment.ts'
import { ExportStack } from '../../lib/export-stack.ts'
import { StorageStack } from '../../lib/storage-stack.ts'
import { startAndWait } from '../../lib/workflows/branches/branch.ts'
import { branches } from '../../lib/workflows/branches/branches.ts'

/** The whole app with the island as a further platform, whose branch stands beside the others. */
export async function synthesiseIsland(directory: string): Promise<string> {
  const app = new App({ outdir: directory, context: { deployment: 'example' } })
  const deployment = await readDeployment(app.node)
  const storage = new StorageStack(app, deployment)
  new ExportStack(app, deployment, {
    branches: { ...branches, island: startAndWait({ start: 'Order export', noun: 'export' }) },
    registry: fileURLToPath(new URL('registry.ts', import.meta.url)),
  }).addStackDependency(storage)
  return app.synth().directory
}
