import type { ConfigurationChange, SiteConfiguration } from '../../contracts/site-configuration.ts'
import { configurationKey, configurationsPrefix } from '../../domain/books/object-keys.ts'
import { compareConfigurations } from '../../domain/configuration/compare-configurations.ts'
import { siteConfigurationShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

export interface KeptRecord {
  key: string
  record: SiteConfiguration
}

/** The newest record of a site that can be read, on or before an instant if one is given, and those that can't be. */
export async function newestConfiguration(
  site: string,
  { store, keyPrefix }: Needs,
  until?: string,
): Promise<{ found: KeptRecord | undefined; unreadable: string[] }> {
  const last = until === undefined ? undefined : configurationKey(keyPrefix, site, until)
  const keys = (await store.listKeys(configurationsPrefix(keyPrefix, site))).filter(
    (key) => last === undefined || key <= last,
  )
  const unreadable: string[] = []
  for (const key of keys.toReversed()) {
    const record = await unlessUnreadable(readRecord(store, key, siteConfigurationShape))
    if (record === 'unreadable') unreadable.push(key)
    else if (record !== undefined) return { found: { key, record }, unreadable }
  }
  return { found: undefined, unreadable }
}

export interface RecordedChanges {
  takenAt: string
  key: string
  changes: ConfigurationChange[]
}

/** Record by record, oldest first, with what changed against the one before. Those that can't be read are passed over. */
export async function* configurationChanges(
  site: string,
  { store, keyPrefix }: Needs,
): AsyncGenerator<RecordedChanges> {
  let before: SiteConfiguration | undefined
  for (const key of await store.listKeys(configurationsPrefix(keyPrefix, site))) {
    const record = await unlessUnreadable(readRecord(store, key, siteConfigurationShape))
    if (record === 'unreadable' || record === undefined) continue
    const changes = before === undefined ? [] : compareConfigurations(before, record)
    yield { takenAt: record.takenAt, key, changes }
    before = record
  }
}
