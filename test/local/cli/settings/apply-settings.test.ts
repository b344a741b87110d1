import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { applySettings, settlePlace } from '../../../../local/cli/settings/apply-settings.ts'
import {
  addBucketOptions,
  addDeploymentOptions,
  addPlaceOptions,
  deploymentOfSiteOption,
  siteFileOption,
  siteFilesOption,
  siteNameOption,
  siteOption,
  withBucketOptions,
} from '../../../../local/cli/shared-options.ts'
import type { Setting, Settings } from '../../../../local/settings/settings.ts'
import type { SettingName } from '../../../../local/settings/settings-schema.ts'

const inFile = (value: string): Setting => ({ value, from: 'file', source: '/etc/guestlift.json' })
const inVariable = (value: string): Setting => ({ value, from: 'environment', source: 'GUESTLIFT_…' })

const kinds = {
  /** As `run`, `sweep` and `restore`. */
  run: (command: Command) =>
    addPlaceOptions(command).addOption(siteFileOption('with --local')).addOption(siteNameOption('took-file')),
  /** As `list`. */
  list: (command: Command) => withBucketOptions(command).addOption(siteOption()),
  /** As `coverage` and `prune`. */
  coverage: (command: Command) =>
    addDeploymentOptions(addBucketOptions(command)).addOption(siteFileOption()).addOption(siteNameOption('took-name')),
  /** As `plan`. */
  plan: (command: Command) =>
    addBucketOptions(command, { beside: true })
      .addOption(siteFileOption())
      .addOption(siteNameOption('took-file'))
      .addOption(deploymentOfSiteOption('where')),
  drill: (command: Command) => addPlaceOptions(command).addOption(siteFilesOption('with --local', 'of sites')),
}

/** The options that a command goes by, without those that nobody named. */
function settled(kind: keyof typeof kinds, held: Partial<Record<SettingName, Setting>>, ...words: string[]): object {
  const program = new Command().exitOverride().hook('preAction', (_, command) => settlePlace(command))
  const command = kinds[kind](program.command(kind).action(() => undefined))
  const settings: Settings = { held, notes: [] }
  applySettings(program, settings)
  program.parse([kind, ...words], { from: 'user' })
  const named = Object.entries(command.opts()).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(named)
}

const here = { bucket: inFile('archives'), s3: inFile('http://s3'), siteFile: inFile('/hq.json') }
const there = { deployment: inFile('production') }

describe('settings as options', () => {
  it('fill what the command line leaves out, also what is required', () => {
    expect(settled('list', { ...here, site: inFile('hq') })).toEqual({
      bucket: 'archives',
      s3: 'http://s3',
      site: 'hq',
    })
  })

  it('give way to the command line', () => {
    expect(settled('list', here, '--bucket', 'other')).toEqual({ bucket: 'other', s3: 'http://s3' })
  })

  it('make this machine the place of the work, where they name a bucket and no deployment', () => {
    expect(settled('run', here)).toEqual({
      local: true,
      bucket: 'archives',
      s3: 'http://s3',
      siteFile: '/hq.json',
      deployment: 'example',
    })
    expect(settled('run', { siteFile: inFile('/hq.json') })).not.toHaveProperty('local')
  })

  it('make the deployment the place of the work, where they name it too', () => {
    expect(settled('run', { ...here, ...there })).toEqual({ deployment: 'production' })
    expect(settled('coverage', { ...here, ...there })).toEqual({ deployment: 'production' })
    expect(settled('list', { ...here, ...there })).toEqual({ bucket: 'archives', s3: 'http://s3' })
  })

  it('give way to an option of the other place', () => {
    expect(settled('coverage', here, '--deployment', 'production')).toEqual({ deployment: 'production' })
    expect(settled('coverage', there, '--bucket', 'archives')).toEqual({ bucket: 'archives' })
    expect(settled('run', { ...here, ...there }, '--local')).toEqual({
      local: true,
      bucket: 'archives',
      s3: 'http://s3',
      siteFile: '/hq.json',
      deployment: 'example',
    })
    expect(settled('plan', there, '--site-file', 'hq.json')).toEqual({ siteFile: 'hq.json' })
  })

  it('of the environment win over those of the file, of the other place too', () => {
    expect(settled('coverage', { ...there, bucket: inVariable('archives') })).toEqual({ bucket: 'archives' })
    expect(settled('coverage', { ...here, deployment: inVariable('production') })).toEqual({ deployment: 'production' })
  })

  it('give way to a deployment that the command line names, where a bucket may stand beside it', () => {
    expect(settled('plan', here, '--deployment', 'production')).toEqual({ deployment: 'production' })
    const prefixed = { ...here, prefix: inFile('old/') }
    expect(settled('plan', prefixed, '--deployment', 'production')).toEqual({ deployment: 'production' })
    expect(settled('plan', { ...here, deployment: inVariable('production') })).toEqual({ deployment: 'production' })
  })

  it('name the bucket beside a deployment only where the deployment leaves that open, when both are alike', () => {
    expect(settled('plan', { ...here, ...there })).toEqual({
      deployment: 'production',
      usualBucket: { bucket: 'archives', s3: 'http://s3' },
    })
    expect(settled('plan', { s3: inFile('http://s3'), ...there })).toEqual({ deployment: 'production' })
  })

  it('keep a bucket that a variable or the command line names beside a deployment', () => {
    expect(settled('plan', { ...there, bucket: inVariable('archives') })).toEqual({
      deployment: 'production',
      bucket: 'archives',
    })
    expect(settled('plan', here, '--deployment', 'production', '--bucket', 'other')).toEqual({
      deployment: 'production',
      bucket: 'other',
      s3: 'http://s3',
    })
  })

  it('leave a bucket where no deployment is named', () => {
    expect(settled('plan', here)).toEqual({ bucket: 'archives', s3: 'http://s3', siteFile: '/hq.json' })
  })

  it('leave a bucket beside a deployment where both go together', () => {
    expect(settled('plan', { ...there, bucket: inFile('archives') }, '--s3', 'http://s3')).toEqual({
      deployment: 'production',
      bucket: 'archives',
      s3: 'http://s3',
    })
  })

  it('name a site only where nothing else does', () => {
    expect(settled('run', { ...here, site: inFile('hq') })).toMatchObject({ usualSite: 'hq' })
    expect(settled('run', { ...here, site: inFile('hq') })).not.toHaveProperty('site')
    expect(settled('run', { ...here, site: inFile('hq') }, '--site', 'dr')).toMatchObject({ site: 'dr' })
  })

  it('leave both places to the command when the command line names both', () => {
    expect(settled('coverage', {}, '--bucket', 'archives', '--deployment', 'production')).toEqual({
      bucket: 'archives',
      deployment: 'production',
    })
  })

  it('name one site file for a command that takes several', () => {
    expect(settled('drill', here)).toMatchObject({ siteFile: ['/hq.json'] })
  })
})
