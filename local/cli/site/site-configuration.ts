/** `guestlift site configuration`: how a site was set up, as runs kept it. */
import type { ConfigurationChange } from '../../../functions/contracts/site-configuration.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import {
  configurationChanges,
  type KeptRecord,
  newestConfiguration,
} from '../../../functions/operations/configuration/read-configurations.ts'
import { UsageError } from '../../run/cli-error.ts'
import { type BucketOptions, openBucket } from '../bucket-store.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, plain } from '../print/columns.ts'
import { ownTime } from '../print/own-time.ts'
import { changeText } from '../print/print-configuration.ts'
import { printNotes, textOf } from '../print/terminal.ts'
import { out } from '../stream-out.ts'

export interface ConfigurationOptions extends BucketOptions {
  at?: string
  part?: string
  changes?: boolean
  json?: boolean
}

type Place = Parameters<typeof newestConfiguration>[1]

/** @throws UnknownSite; UsageError for a part that the record lacks */
export async function showConfiguration(site: string, options: ConfigurationOptions): Promise<number> {
  const { client, store, keyPrefix } = openBucket(options)
  try {
    await requireKnownSite(site, { store, keyPrefix })
    return options.changes === true
      ? await showChanges(site, { store, keyPrefix }, options)
      : await showRecord(site, { store, keyPrefix }, options)
  } finally {
    client.destroy()
  }
}

async function showRecord(site: string, place: Place, { at, part, json }: ConfigurationOptions): Promise<number> {
  const { found, unreadable } = await newestConfiguration(site, place, at)
  printNotes(unreadable.map((key) => `warning: s3://${place.store.bucket}/${key} can't be read, and was passed over.`))
  if (found === undefined) return sayNothing(site, at)
  const { record } = found
  const incomplete = record.parts.some((each) => each.incomplete !== undefined)
  if (part !== undefined) await out(partText(found, part))
  else await out(json === true ? `${JSON.stringify(record)}\n` : textOf(recordLines(found, place)))
  return incomplete ? exitCodes.partial : exitCodes.succeeded
}

function sayNothing(site: string, at?: string): number {
  const when = at === undefined ? '' : ` on or before ${ownTime(at)}`
  printNotes([
    `No run has kept how site ${site} is set up${when}. Put "siteConfiguration": true into its job, and run it.`,
  ])
  return exitCodes.failed
}

function partText({ record }: KeptRecord, name: string): string {
  const part = record.parts.find((each) => each.part === name)
  if (part === undefined) {
    throw new UsageError(`There is no part ${name}. Parts are: ${record.parts.map((each) => each.part).join(', ')}.`)
  }
  return `${JSON.stringify(part, undefined, 2)}\n`
}

function recordLines({ key, record }: KeptRecord, { store }: Place): string[] {
  const { site, platformVersion, takenAt, parts, leftOut } = record
  const rows = parts.map(({ part, what, entries }) => [`  ${part}`, String(Object.keys(entries).length), plain(what)])
  return [
    `Site ${site}, version ${plain(platformVersion)}, as it was set up at ${ownTime(takenAt)}`,
    `(s3://${store.bucket}/${key}):`,
    ...columns(rows),
    ...parts.flatMap(({ incomplete }) => (incomplete === undefined ? [] : [`incomplete: ${plain(incomplete)}`])),
    ...(leftOut.length === 0
      ? []
      : [`${counted(leftOut.length, 'secret')} left out, to be set anew: ${leftOut.map(plain).join(', ')}`]),
  ]
}

async function showChanges(site: string, place: Place, { json }: ConfigurationOptions): Promise<number> {
  let records = 0
  for await (const { takenAt, key, changes } of configurationChanges(site, place)) {
    records += 1
    if (json === true) await out(`${JSON.stringify({ takenAt, key, changes })}\n`)
    else
      await out(
        textOf([
          `${ownTime(takenAt)}: ${summaryOf(records, changes)}`,
          ...changes.map((change) => `  ${changeText(change)}`),
        ]),
      )
  }
  return records === 0 ? sayNothing(site) : exitCodes.succeeded
}

function summaryOf(records: number, changes: readonly ConfigurationChange[]): string {
  if (records === 1) return 'the first record'
  return changes.length === 0 ? 'nothing changed' : counted(changes.length, 'change')
}
