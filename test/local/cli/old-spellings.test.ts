import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formerSiteNameOption, readOldSpellings } from '../../../local/cli/old-spellings.ts'
import { siteFileOption, siteNameOption, siteOption } from '../../../local/cli/shared-options.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-spellings-'))
  await writeFile(join(directory, 'site'), '{}')
})
afterAll(() => rm(directory, { recursive: true }))

/** The options that a command makes of these words, and what it warns of. */
function read(words: readonly string[], site = siteNameOption('took-file')): { options: object; warnings: string[] } {
  const warnings: string[] = []
  const command = new Command('do')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .addOption(siteFileOption())
    .addOption(site)
    .addOption(formerSiteNameOption())
    .hook('preAction', (_, one) => readOldSpellings(one, (sentence) => warnings.push(sentence)))
    .action(() => undefined)
  command.parse(words, { from: 'user' })
  const { siteFile, site: name } = command.opts<{ siteFile?: string; site?: string }>()
  return { options: { siteFile, site: name }, warnings }
}

describe('old spellings of options', () => {
  it.each(['hq.json', 'hq.yaml', 'hq.yml', 'hq.jsonc', 'folder/HQ.JSON'])('take --site %s as a site file', (file) => {
    const { options, warnings } = read(['--site', file])
    expect(options).toEqual({ siteFile: file, site: undefined })
    expect(warnings).toEqual([expect.stringContaining(`--site-file ${file}`)])
  })

  it('take --site as a site file where there is a file of that name', () => {
    const file = join(directory, 'site')
    expect(read(['--site', file]).options).toEqual({ siteFile: file, site: undefined })
  })

  it('leave a name alone, and say nothing', () => {
    expect(read(['--site', 'hq', '--site-file', 'x.json'])).toEqual({
      options: { siteFile: 'x.json', site: 'hq' },
      warnings: [],
    })
  })

  it('leave --site alone where it never took a file', () => {
    expect(read(['--site', 'hq.json'], siteOption()).options).toEqual({ siteFile: undefined, site: 'hq.json' })
  })

  it('take --site-name as --site, also beside the old spelling of the file', () => {
    const { options, warnings } = read(['--site', 'hq.json', '--site-name', 'hq'])
    expect(options).toEqual({ siteFile: 'hq.json', site: 'hq' })
    expect(warnings).toEqual([expect.stringContaining('--site-file'), expect.stringContaining('--site now')])
  })

  it('refuse a name that is given twice', () => {
    expect(() => read(['--site', 'hq', '--site-name', 'hq'])).toThrow(/give --site alone/)
  })
})
