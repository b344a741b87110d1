import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import {
  type ArchiveAddress,
  archiveAddress,
  isElsewhere,
} from '../../../functions/domain/catalogue/archive-address.ts'
import { type CataloguedGuest, guestsIn } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import { searchGuest, searchWords } from '../../../functions/domain/catalogue/catalogue-search.ts'
import type { CatalogueFilter } from '../../../functions/operations/catalogue/list-archives.ts'
import { requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { dueTimes } from '../../../functions/operations/coverage/next-due-of.ts'
import { newReading, readCatalogue } from '../../../functions/operations/catalogue/read-catalogue.ts'
import { type BucketOptions, openBucket, requestDollars, requestLine } from '../bucket-store.ts'
import { UsageError } from '../../run/cli-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { plain } from '../print/columns.ts'
import { addTo, guestArchiveLines, totalsLines } from '../print/print-catalogue.ts'
import { type GuestRow, guestRow, guestTable, isInState, type ListedState } from '../print/print-guest-list.ts'
import { printNotes, terminalWidth, textOf } from '../print/terminal.ts'
import { out } from '../stream-out.ts'

export interface ListArchivesOptions extends BucketOptions {
  site?: string
  guest?: string
  since?: string
  until?: string
  /** Archives in one of these states, or guests whose newest is. */
  state?: ListedState[]
  /** Each archive, in place of each guest. */
  archives?: boolean
  /** Prices, also for a store that isn't AWS, and what isn't in them. */
  details?: boolean
  json?: boolean
}

export function filterOf({ site, since, until }: ListArchivesOptions): CatalogueFilter {
  return {
    ...(site === undefined ? {} : { site }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
}

/**
 * Print the archives that fit, as they are read. Exit code 1 when there is none, 2 when one of them is broken.
 * @param what an address; all archives without one
 * @throws UsageError for two guests at once, or another bucket's address
 */
export function listArchivesHere(what: string | undefined, options: ListArchivesOptions): Promise<number> {
  const { state, json = false } = options
  // One guest in one line would say less than was asked for.
  const inFull = json || options.archives === true || (what ?? options.guest) !== undefined
  const fits = (entry: CatalogueEntry) => state === undefined || state.some((one) => isInState(entry, one))
  if (inFull) return tellArchives(options, ({ entries }) => entries.filter(fits), what)
  const rows: GuestRow[] = []
  const choose = (guest: CataloguedGuest) => {
    const newest = guest.entries.at(-1)
    return newest !== undefined && fits(newest) ? guest.entries : []
  }
  return tellArchives(options, choose, what, {
    add: (guest, due) => rows.push(guestRow(guest, Date.now(), due)),
    lines: () => guestTable(rows, terminalWidth()),
  })
}

/** Print the archives in which every word of the text is found. */
export function searchArchives(text: string, options: ListArchivesOptions): Promise<number> {
  const words = searchWords(text)
  return tellArchives(options, (guest) => searchGuest(guest, words))
}

/**
 * The guests with archives that fit, as they are read: a guest that had an id before another one by itself. All archives
 * until now are read, whatever `until` says: of the older ones alone, nobody can tell which guest has the id.
 */
export async function* readGuests(
  options: ListArchivesOptions,
  ports: Parameters<typeof readCatalogue>[1],
  reading = newReading(),
  address: ArchiveAddress | undefined = options.guest === undefined
    ? undefined
    : addressIn(options.guest, ports.keyPrefix, options),
): AsyncGenerator<CataloguedGuest, void, void> {
  const { until, ...filter } = filterOf(options)
  const last = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
  for await (const read of readCatalogue({ ...filter, ...address?.filter }, ports, reading)) {
    for (const guest of address === undefined ? guestsIn(read) : address.of(read)) {
      // As the keys tell the time, and as `since` does: in whole seconds.
      const entries = guest.entries.filter(({ createdAt }) => Math.floor(Date.parse(createdAt) / 1000) * 1000 <= last)
      if (entries.length > 0) yield { ...guest, entries }
    }
  }
}

function addressIn(what: string, keyPrefix: string, { site, bucket }: ListArchivesOptions): ArchiveAddress {
  const address = archiveAddress(what, keyPrefix, site)
  const elsewhere = isElsewhere(address, bucket)
  if (elsewhere !== undefined) throw new UsageError(elsewhere)
  return address
}

const opening = '{"version":1,"archives":['

/** A table of guests, which is drawn once all are known. */
interface Table {
  add: (guest: CataloguedGuest, due: string | undefined) => void
  lines: () => string[]
}

async function tellArchives(
  options: ListArchivesOptions,
  choose: (guest: CataloguedGuest) => CatalogueEntry[],
  what?: string,
  table?: Table,
): Promise<number> {
  const opened = openBucket(options)
  const { store, keyPrefix, requests } = opened
  if (what !== undefined && options.guest !== undefined) {
    throw new UsageError(`list takes ${what} or --guest ${options.guest}, not both.`)
  }
  const named = what ?? options.guest
  const address = named === undefined ? undefined : addressIn(named, keyPrefix, options)
  const { site = options.site } = address?.filter ?? {}
  if (site !== undefined) await requireKnownSite(site, { store, keyPrefix })
  const reading = newReading()
  const due = dueTimes({ store, keyPrefix, now: () => new Date() })
  // Of the older archives alone, nobody can tell.
  const dueOf = async (guest: CataloguedGuest) =>
    options.until === undefined ? due.of(guest, guest.entries) : undefined
  const totals = { guests: 0, archives: 0, sizeBytes: 0, broken: 0 }
  for await (const guest of readGuests(options, { store, keyPrefix }, reading, address)) {
    const chosen = { ...guest, entries: choose(guest) }
    if (chosen.entries.length === 0) continue
    const dueAt = options.json === true || table !== undefined ? await dueOf(guest) : undefined
    if (options.json === true) {
      // Not before there is something: a bucket that can't be read is an error and no beginning.
      const separator = totals.archives === 0 ? opening : ','
      const former = guest.former ? { formerGuest: guest.name } : {}
      const newest = guest.entries.at(-1)
      const next = (entry: CatalogueEntry) => (entry === newest && dueAt !== undefined ? { nextDueAt: dueAt } : {})
      const entries = chosen.entries.map((entry) => JSON.stringify({ ...entry, ...former, ...next(entry) }))
      await out(separator + entries.join(','))
    } else if (table === undefined) await out(textOf(guestArchiveLines(chosen)))
    else table.add(chosen, dueAt)
    addTo(totals, chosen)
  }
  const counts = { ...Object.fromEntries(requests), dollars: requestDollars(requests) }
  if (options.json === true) {
    await out(
      `${totals.archives === 0 ? opening : ''}],"totals":${JSON.stringify(totals)},"reading":${JSON.stringify(reading)},"requests":${JSON.stringify(counts)}}\n`,
    )
  } else {
    await out(textOf([...(table?.lines() ?? []), ...totalsLines(totals, reading)]))
    printNotes([...due.unknown.map((sentence) => `note: ${plain(sentence)}`), requestLine(opened, options)])
  }
  if (totals.archives === 0) return exitCodes.failed
  return totals.broken > 0 ? exitCodes.partial : exitCodes.succeeded
}
