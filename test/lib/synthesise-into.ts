import { readFileSync } from 'node:fs'
import { App, type Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { z } from 'zod'
import { parseDeployment } from '../../lib/deployment-config.ts'
import { deploymentStacks } from '../../lib/deployment-stacks.ts'
import { type DeploymentName, deployments } from './deployments.ts'

const cdkJson = z.object({ context: z.record(z.string(), z.unknown()) })
const { context } = cdkJson.parse(JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')))

/** Synthesises a listed deployment as `bin/app.ts` does, without bundling: tests look at templates, not at code. */
export function synthesiseInto(outdir: string, name: DeploymentName, spoil?: (exports: Stack) => void): void {
  const app = new App({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [] } })
  const deployment = parseDeployment(deployments[name], 'the test')
  const exports = deploymentStacks(app, deployment)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  spoil?.(exports)
  app.synth()
}
