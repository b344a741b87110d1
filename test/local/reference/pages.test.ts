import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as errors from '../../../functions/contracts/errors.ts'
import { guestliftProgram } from '../../../local/cli/program.ts'
import { listenForStop } from '../../../local/cli/stop-signals.ts'
import { cliPage } from '../../../local/reference/cli-page.ts'
import { platformTraits, siteSchema } from '../../../functions/providers/registry.ts'
import { withMeanings } from '../../../local/reference/error-page.ts'
import { withFieldTables } from '../../../local/reference/field-pages.ts'
import { sectionsOf } from '../../../local/reference/marked-sections.ts'

const pageAt = (name: string) => `../../../docs/${name}`
const read = (name: string) => readFileSync(new URL(pageAt(name), import.meta.url), 'utf8')

const program = () => guestliftProgram(listenForStop({ on: () => undefined, off: () => undefined }))

describe('the generated pages; npm run docs:reference writes them', () => {
  it('show the help of every command', async () => {
    await expect(cliPage(program())).toMatchFileSnapshot(pageAt('cli.md'))
  })

  it('show every field of a job, a site, a deployment and settings', async () => {
    const names = [
      'jobs.md',
      'sites.md',
      'ec2.md',
      'vsphere.md',
      'azure.md',
      'deployments.md',
      'retention.md',
      'routes-and-limits.md',
      'settings.md',
    ]
    const pages = withFieldTables(Object.fromEntries(names.map((name) => [name, read(name)])))
    const subjects = Object.values(pages).flatMap((page) => sectionsOf(page).map(({ subject }) => subject))
    const sites = siteSchema.options.map(({ shape }) => `site[${shape.provider.value}]`)
    expect(subjects).toEqual(expect.arrayContaining(['job', 'deployment', 'settings', ...sites]))
    for (const [name, page] of Object.entries(pages)) await expect(page).toMatchFileSnapshot(pageAt(name))
  })

  it('say of every error what it means', async () => {
    const facts = Object.values(errors).flatMap((one) =>
      typeof one === 'function' && 'errorName' in one ? [new one('')] : [],
    )
    expect(facts.length).toBeGreaterThan(40)
    const source = read('../functions/contracts/errors.ts')
    // What a platform's reader knows as well lies beside its providers.
    const folders: Readonly<Record<string, string>> = { vsphere: 'vsphere-api', azure: 'azure-api' }
    const platforms = Object.keys(platformTraits).map((name) =>
      read(`../functions/${folders[name] ?? `providers/${name}`}/errors.ts`),
    )
    const page = withMeanings(read('troubleshooting.md'), facts, source, platforms)
    await expect(page).toMatchFileSnapshot(pageAt('troubleshooting.md'))
  })
})
