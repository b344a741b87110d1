/** Synthesises a deployment as `bin/app.ts` does, without bundling: tests look at templates, not at code. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, type Stack, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { z } from 'zod'
import { type DeploymentConfig, parseDeployment } from '../../lib/deployment-config.ts'
import { ExportStack } from '../../lib/export-stack.ts'
import { StorageStack } from '../../lib/storage-stack.ts'
import { type Assembly, readAssembly } from '../../local/run/synthesised.ts'

const cdkJson = z.object({ context: z.record(z.string(), z.unknown()) })
const { context } = cdkJson.parse(JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')))

export interface Synthesised {
  storage: Template
  exports: Template
  assembly: Assembly
}

/** A deployment with nothing but what is required. */
export const smallest: DeploymentConfig = { name: 'test', sites: ['hq'] }

/** By their configurations: a test only reads what was synthesised, and each takes seconds. */
const made = new Map<string, Promise<Synthesised>>()

/**
 * Synthesise a deployment; what it writes lies in a temporary folder for as long as it takes to read it.
 * @param spoil adds something to the export stack before synthesis
 * @throws an error that lists every finding of the AWS Solutions rules and of CloudFormation's own
 */
export function synthesise(config: DeploymentConfig, spoil?: (exports: Stack) => void): Promise<Synthesised> {
  if (spoil !== undefined) return synthesiseAnew(config, spoil)
  const key = JSON.stringify(config)
  const known = made.get(key) ?? synthesiseAnew(config, spoil)
  made.set(key, known)
  return known
}

async function synthesiseAnew(
  config: DeploymentConfig,
  spoil: ((exports: Stack) => void) | undefined,
): Promise<Synthesised> {
  const outdir = mkdtempSync(join(tmpdir(), 'guestlift-synth-'))
  try {
    const app = new App({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [] } })
    const deployment = parseDeployment(config, 'the test')
    const storage = new StorageStack(app, deployment)
    const exports = new ExportStack(app, deployment)
    exports.addStackDependency(storage)
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    spoil?.(exports)
    app.synth()
    return {
      storage: Template.fromStack(storage),
      exports: Template.fromStack(exports),
      assembly: await readAssembly(outdir, { archiveBucket: 'archives' }),
    }
  } finally {
    rmSync(outdir, { recursive: true })
  }
}
