import { type GuestArchives } from '../../functions/domain/catalogue.ts'
import { searchGuest, searchWords } from '../../functions/domain/catalogue-search.ts'
import type { CatalogueFilter } from '../../functions/operations/list-archives.ts'
import { newReading, readCatalogue } from '../../functions/operations/read-catalogue.ts'
import { type BucketOptions, openBucket, requestDollars, requestLine } from './bucket-store.ts'
import { exitCodes } from './exit-codes.ts'
import { addTo, guestArchiveLines, totalsLines } from './print-catalogue.ts'
import { out } from './stream-out.ts'

export interface ListArchivesOptions extends BucketOptions {
  site?: string
  guest?: string
  since?: string
  until?: string
  json?: boolean
}

export function filterOf({ site, guest, since, until }: ListArchivesOptions): CatalogueFilter {
  return {
    ...(site === undefined ? {} : { site }),
    ...(guest === undefined ? {} : { guestId: guest }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
}

/** Print the archives that fit, as they are read. Exit code 1 when there is none, 2 when one of them is broken. */
export function listArchivesHere(options: ListArchivesOptions): Promise<number> {
  return tellArchives(options, (guest) => guest)
}

/** Print the archives in which every word of the text is found. */
export function searchArchives(text: string, options: ListArchivesOptions): Promise<number> {
  const words = searchWords(text)
  return tellArchives(options, (guest) => ({ ...guest, entries: searchGuest(guest, words) }))
}

const opening = '{"version":1,"archives":['

async function tellArchives(
  options: ListArchivesOptions,
  choose: (guest: GuestArchives) => GuestArchives,
): Promise<number> {
  const { store, keyPrefix, requests } = openBucket(options)
  const reading = newReading()
  const totals = { guests: 0, archives: 0, sizeBytes: 0, broken: 0 }
  for await (const { site, guest, entries } of readCatalogue(filterOf(options), { store, keyPrefix }, reading)) {
    const chosen = choose({ site, guest, entries })
    if (chosen.entries.length === 0) continue
    if (options.json === true) {
      // Not before there is something: a bucket that can't be read is an error and no beginning.
      const separator = totals.archives === 0 ? opening : ','
      await out(separator + chosen.entries.map((entry) => JSON.stringify(entry)).join(','))
    } else await out(`${guestArchiveLines(chosen).join('\n')}\n`)
    addTo(totals, chosen)
  }
  const counts = { ...Object.fromEntries(requests), dollars: requestDollars(requests) }
  if (options.json === true) {
    await out(
      `${totals.archives === 0 ? opening : ''}],"totals":${JSON.stringify(totals)},"reading":${JSON.stringify(reading)},"requests":${JSON.stringify(counts)}}\n`,
    )
  } else {
    await out(`${totalsLines(totals, reading).join('\n')}\n`)
    process.stderr.write(`${requestLine(requests)}\n`)
  }
  if (totals.archives === 0) return exitCodes.failed
  return totals.broken > 0 ? exitCodes.partial : exitCodes.succeeded
}
