import {
  type ConfigurationPart,
  type KeptConfiguration,
  MOST_CONFIGURATION_CHANGES,
  type SiteConfiguration,
} from '../../contracts/site-configuration.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { configurationKey } from '../../domain/books/object-keys.ts'
import { compareConfigurations } from '../../domain/configuration/compare-configurations.ts'
import { sameConfiguration } from '../../domain/configuration/same-configuration.ts'
import { withoutSecrets } from '../../domain/configuration/without-secrets.ts'
import { siteConfigurationShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'
import { newestConfiguration } from './read-configurations.ts'
import { requireConfiguration } from './require-configuration.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log'>

/** One that is older is written again although nothing changed: a lock or a rule for old objects may end its time. */
const FRESH_DAYS = 30
const DAY_MILLISECONDS = 86_400_000

/**
 * Read how the site is set up and keep it, if it is another than was kept last. Records are never replaced: two runs at
 * once write two. One that nobody can read counts as none, and stays.
 */
export async function keepConfiguration(
  { site, platform, platformVersion }: TaskInput<'KeepConfiguration'>,
  ports: Needs,
): Promise<TaskOutput<'KeepConfiguration'>> {
  const provider = await ports.provider(site)
  const takenAt = ports.now().toISOString()
  const read = await requireConfiguration(provider).read()
  const record: SiteConfiguration = { version: 1, site, platform, platformVersion, takenAt, ...cleaned(read) }
  const { found: last, unreadable } = await newestConfiguration(site, ports)
  for (const key of unreadable) ports.log('configuration-unreadable', { site, key })
  const changes = last === undefined ? [] : compareConfigurations(last.record, record)
  if (changes.length > 0) ports.log('configuration-changed', { site, changes: changes.length })
  if (last !== undefined && sameConfiguration(last.record, record) && isFresh(last.record, takenAt)) {
    return kept(last.key, last.record.takenAt, [], record)
  }
  return write(record, changes, ports)
}

/** A record is never replaced: where another run has written in the same second, this one counts as of the next. */
async function write(
  record: SiteConfiguration,
  changes: KeptConfiguration['changes'],
  ports: Needs,
): Promise<KeptConfiguration> {
  const { site, takenAt } = record
  const key = configurationKey(ports.keyPrefix, site, takenAt)
  const written = await writeRecord(ports.store, key, siteConfigurationShape, record, { onlyIf: { absent: true } })
  if (written !== undefined) return kept(key, takenAt, changes, record)
  ports.log('configuration-key-taken', { site, key })
  const next = new Date(Date.parse(takenAt) + 1000).toISOString()
  return write({ ...record, takenAt: next }, changes, ports)
}

/** By entry: the name of one is the site's own word, and says nothing about secrets. */
function cleaned(read: readonly ConfigurationPart[]): Pick<SiteConfiguration, 'parts' | 'leftOut'> {
  const leftOut: string[] = []
  const parts = read.map((part) => {
    const entries = Object.entries(part.entries).map(([name, entry]) => {
      const clean = withoutSecrets(entry, [`${part.part}/${name}`])
      leftOut.push(...clean.leftOut)
      return [name, clean.value] as const
    })
    return { ...part, entries: Object.fromEntries(entries) }
  })
  return { parts, leftOut }
}

function isFresh({ takenAt }: SiteConfiguration, now: string): boolean {
  return Date.parse(now) - Date.parse(takenAt) < FRESH_DAYS * DAY_MILLISECONDS
}

function kept(
  key: string,
  takenAt: string,
  changes: KeptConfiguration['changes'],
  { parts }: SiteConfiguration,
): KeptConfiguration {
  return {
    key,
    takenAt,
    changes: changes.slice(0, MOST_CONFIGURATION_CHANGES),
    changeCount: changes.length,
    incomplete: parts.flatMap(({ what, incomplete }) => (incomplete === undefined ? [] : [`${what}: ${incomplete}`])),
  }
}
