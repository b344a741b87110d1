/** Spellings of the release before: they work in this one, with a warning that shows the new one. */
import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { SiteNameOption } from './shared-options.ts'

const WORKS = 'The old spelling works in this release and not in the next.'

const FILE = /\.(json|jsonc|ya?ml)$/i

/** `--site-name`, which is `--site` now. */
export function formerSiteNameOption(): Option {
  return new Option('--site-name <name>').hideHelp()
}

/**
 * Read old spellings of a command's options as what they are called now.
 * @param warn gets a sentence for each
 */
export function readOldSpellings(command: Command, warn: (sentence: string) => void): void {
  readSiteAsFile(command, warn)
  const { siteName } = command.opts<{ siteName?: string }>()
  if (siteName === undefined) return
  if (command.getOptionValueSource('site') === 'cli') {
    command.error('error: --site-name is an old spelling of --site: give --site alone')
  }
  command.setOptionValueWithSource('site', siteName, 'cli')
  warn(`--site-name is called --site now. ${WORKS}`)
}

/** `--site hq.json`, which is `--site-file hq.json` now. */
function readSiteAsFile(command: Command, warn: (sentence: string) => void): void {
  const option = command.options.find(({ long }) => long === '--site')
  if (!(option instanceof SiteNameOption && option.tookFile)) return
  const isTold = (name: string) => command.getOptionValueSource(name) === 'cli'
  const { site } = command.opts<{ site?: string }>()
  if (site === undefined || !isTold('site') || isTold('siteFile')) return
  if (!FILE.test(site) && !existsSync(site)) return
  command.setOptionValueWithSource('siteFile', site, 'cli')
  command.setOptionValueWithSource('site', undefined, 'default')
  warn(`--site takes the name of a site. Its file is given as --site-file ${site}. ${WORKS}`)
}
