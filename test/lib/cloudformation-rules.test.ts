/**
 * What CloudFormation would refuse of the deployments that the tests look at. These rules are asked here and nowhere else:
 * CDK's engine takes ten CPU seconds to load them, in each process, and again for types of resources that it has no rules of.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { App, CloudFormationValidatePlugin, type PolicyValidationStack } from 'aws-cdk-lib'
import { CloudAssembly, UNKNOWN_ACCOUNT, UNKNOWN_REGION } from 'aws-cdk-lib/cx-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { DeploymentConfig } from '../../lib/deployment-config.ts'
import { type DeploymentName, deployments } from './deployments.ts'
import { sorted } from './sorted.ts'
import { synthesisedFolder } from './synthesise.ts'

const names = Object.keys(deployments) as DeploymentName[]
const rules = new CloudFormationValidatePlugin()
const spoilt = mkdtempSync(join(tmpdir(), 'guestlift-spoilt-'))

/** The stacks of each deployment, as they were written. */
const written = new Map<DeploymentName, PolicyValidationStack[]>()
/** By the path of a template, all that is wrong with it, warnings too. */
let found: Map<string, string[]>

beforeAll(async () => {
  for (const name of names) written.set(name, stacksIn(await synthesisedFolder(name)))
  // All at once: the engine is made once, with the rules of every type that any of them has.
  found = judged([...written.values()].flat())
})
afterAll(() => rmSync(spoilt, { recursive: true }))

function stacksIn(folder: string): PolicyValidationStack[] {
  return new CloudAssembly(folder).stacks.map(({ hierarchicalId, templateFullPath, environment }) => ({
    stackConstructPath: hierarchicalId,
    templatePath: templateFullPath,
    accountId: environment.account === UNKNOWN_ACCOUNT ? undefined : environment.account,
    region: environment.region === UNKNOWN_REGION ? undefined : environment.region,
  }))
}

function judged(stackTemplates: PolicyValidationStack[]): Map<string, string[]> {
  const templatePaths = stackTemplates.map(({ templatePath }) => templatePath)
  const { violations } = rules.validate({ stackTemplates, templatePaths, appConstruct: new App() })
  const findings = new Map(templatePaths.map((path): [string, string[]] => [path, []]))
  for (const { ruleName, description, severity, violatingResources } of violations)
    for (const { templatePath = '', resourceLogicalId = 'the template' } of violatingResources)
      findings.get(templatePath)?.push(`${severity} ${ruleName} at ${resourceLogicalId}: ${description}`)
  return findings
}

function makesBucket(name: DeploymentName): boolean {
  const deployment: DeploymentConfig = deployments[name]
  return deployment.bucket?.existing === undefined
}

describe('the rules of CloudFormation', () => {
  it.each(names)('find nothing in the deployment %s', (name) => {
    const stacks = written.get(name) ?? []
    expect(sorted(stacks.map(({ templatePath }) => basename(templatePath)))).toEqual([
      `guestlift-${deployments[name].name}-export.template.json`,
      ...(makesBucket(name) ? [`guestlift-${deployments[name].name}-storage.template.json`] : []),
    ])
    expect(stacks.flatMap(({ templatePath }) => found.get(templatePath) ?? ['not judged'])).toEqual([])
  })

  it('would find a property of a type that the resource does not take', () => {
    const stack = written.get('smallest')?.find(({ stackConstructPath }) => stackConstructPath.endsWith('-export'))
    if (stack === undefined) throw new Error('The smallest deployment has no export stack.')
    const template = z
      .looseObject({ Resources: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(readFileSync(stack.templatePath, 'utf8')))
    const templatePath = join(spoilt, 'spoilt-export.template.json')
    const Odd = { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 'soon' } }
    writeFileSync(templatePath, JSON.stringify({ ...template, Resources: { ...template.Resources, Odd } }))
    const findings = judged([{ ...stack, templatePath }])
    expect(findings.get(templatePath)).toEqual([expect.stringMatching(/^error .* at Odd: .*VisibilityTimeout/)])
  })
})
