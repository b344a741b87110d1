import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DeploymentConfigError } from '../../../lib/deployment-config.ts'
import { readDeployment } from '../../../local/deployments/read-deployment.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestlift-deployments-'))
})
afterEach(() => rm(folder, { recursive: true }))

const context = (deployment: unknown) => ({ tryGetContext: () => deployment })
const write = (name: string, text: string) => writeFile(join(folder, name), text)
const read = (name: unknown) =>
  readDeployment(context(name), { folder: pathToFileURL(`${folder}/`), shown: 'deployments' })
const complaint = async (name: unknown): Promise<string> => {
  const error: unknown = await read(name).catch((problem: unknown) => problem)
  expect(error).toBeInstanceOf(DeploymentConfigError)
  return error instanceof Error ? error.message : ''
}

const yaml = `# What holds for production.
name: production
sites: [hq]
schedules:
  - name: nightly
    expression: cron(0 2 * * ? *)
    job: { site: hq, guests: { all: true } }
`

describe('the file of a deployment', () => {
  it.each([
    ['TypeScript', 'production.ts', "export const deployment = { name: 'production', sites: ['hq'] }\n"],
    ['JSON', 'production.json', '{ "$schema": "./deployment.schema.json", "name": "production", "sites": ["hq"] }'],
    ['JSON with comments', 'production.jsonc', '{ "name": "production", // ours\n "sites": ["hq"], }'],
    ['YAML', 'production.yaml', yaml],
    ['YAML by its short ending', 'production.yml', yaml],
  ])('may be %s', async (_form, file, text) => {
    await write(file, text)
    expect(await read('production')).toMatchObject({
      name: 'production',
      sites: ['hq'],
      siteSecretPrefix: 'guestlift/site/',
    })
  })

  it('is filled in alike, in whichever form it is', async () => {
    await write('production.yaml', yaml)
    expect((await read('production')).schedules).toMatchObject([
      { name: 'nightly', timezone: 'UTC', enabled: true, job: { site: 'hq', backup: { mode: 'snapshot' } } },
    ])
  })

  it.each([
    [
      'production.yaml',
      yaml.replace('sites: [hq]', 'sites: [hq]\nscheduls: []'),
      'deployments/production.yaml is not a valid deployment:\n  deployments/production.yaml:4:1: "scheduls" is not known here. Did you mean "schedules"?',
    ],
    [
      'production.yaml',
      yaml.replace('site: hq,', 'site: dr,'),
      'deployments/production.yaml:7:18: schedules[0].job.site: no site dr; configured are hq.',
    ],
    [
      'production.yaml',
      'name: production\n\tsites: [hq]\n',
      'deployments/production.yaml:2:1: a tab indents this line.',
    ],
    [
      'production.json',
      '{\n  "name": "production"\n  "sites": ["hq"]\n}',
      'The deployment file deployments/production.json is not valid JSON:\n  deployments/production.json:3:3: a comma is missing',
    ],
    [
      'production.jsonc',
      '{\n  // ours\n  "name": "production",\n  "sites": "hq"\n}',
      'production.jsonc:4:12: sites: a list is expected',
    ],
    [
      'production.ts',
      "export const deployment = {\n  name: 'production',\n  sites: 'hq',\n}\n",
      'production.ts:3:10: sites: a list is expected',
    ],
    [
      'production.ts',
      'export const other = {}\n',
      'deployments/production.ts has to export a constant called deployment',
    ],
  ])('%s: a mistake has its line and column', async (file, text, says) => {
    await write(file, text)
    expect(await complaint('production')).toContain(says)
  })

  it('has the name of its file: a copy that kept the old one would change the stacks of the original', async () => {
    await write('staging.yaml', yaml)
    expect(await complaint('staging')).toBe(
      'deployments/staging.yaml has the name production, so it would change the stacks of the deployment production. ' +
        'Write the name staging in it, or call the file production.yaml.',
    )
  })

  it('is one file: of two with one name, neither counts', async () => {
    await write('production.yaml', yaml)
    await write('production.json', '{}')
    expect(await complaint('production')).toBe(
      'deployments holds production.json and production.yaml: keep one of them.',
    )
  })

  it.each([['nowhere'], ['../production'], [undefined], [{}]])('has to be there: not %j', async (name) => {
    await write('production.yaml', yaml)
    await write('README.md', 'not one')
    expect(await complaint(name)).toMatch(/^No deployment .* in deployments; there are production\. Name one: /)
  })

  it('may be missing altogether', async () => {
    expect(await complaint('production')).toMatch(/there is none/)
  })
})

it('the example is one', async () => {
  expect(await readDeployment(context('example'))).toMatchObject({ name: 'example', defaultSite: 'hq' })
})
