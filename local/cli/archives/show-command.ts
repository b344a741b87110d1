import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import type { CataloguedGuest } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import type { RehearsalBook } from '../../../functions/contracts/drill.ts'
import type { Destination } from '../../../functions/contracts/prices.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { proofWords } from '../../../functions/domain/transfer/proof-words.ts'
import { gradeText } from '../../../functions/domain/backup/grade.ts'
import { type ArchiveRestorePrice, archiveRestorePrice } from '../../../functions/domain/prices/restore-price.ts'
import { type LastRehearsals, rehearsalsOf } from '../../../functions/domain/restore/rehearsal-book.ts'
import {
  rehearsalsBySite,
  rehearsalsOfArchive,
  type RehearsalsUnknown,
} from '../../../functions/operations/books/rehearsals.ts'
import { S3VersionStore } from '../../../functions/aws/s3-version-store.ts'
import { findGuests } from '../../../functions/operations/catalogue/find-archive.ts'
import { type BucketOptions, openBucket, requestLine } from '../bucket-store.ts'
import { plain, textColumns } from '../print/columns.ts'
import { printNotes, type Line, textOf, Verbatim } from '../print/terminal.ts'
import { exitCodes } from '../exit-codes.ts'
import { readPrices } from '../run/price-file.ts'
import { ownTime } from '../print/own-time.ts'
import { FORMER, guestArchiveLines, madeAt, verificationWord } from '../print/print-catalogue.ts'
import { archiveRestoreLines } from '../print/print-prices.ts'
import { rehearsalText } from '../print/print-rehearsal.ts'
import type { Pin } from '../../../functions/contracts/pin.ts'
import { lockWords } from '../../../functions/domain/transfer/object-lock.ts'
import { sentences } from '../../../functions/domain/words/sentence.ts'
import { type CopyProof, proveCopy } from '../../../functions/operations/verification/prove-copy.ts'
import { openSecond, type SecondOptions } from '../second-bucket.ts'
import { readPin } from '../../../functions/operations/books/pins.ts'
import { type FileLock, locksNow, locksNowText } from './locks-now.ts'
import { ownRestoreCommand, restoreCommands } from './restore-advice.ts'
import { out } from '../stream-out.ts'

export interface ShowOptions extends BucketOptions, SecondOptions {
  site?: string
  /** ISO instant: as the bucket was then. */
  at?: string
  prices?: string
  destination: Destination
  /** Ask S3 what holds each file now. */
  locks?: true
  /** Prices, also for a store that isn't AWS, and what isn't in them. */
  details?: boolean
  json?: boolean
}

/**
 * Print a guest's archives, and the newest that can be restored in full; or one archive in full. Exit code 1 when there
 * is none, 2 when none of a guest's can be restored or a newer one than the one shown is broken.
 */
export async function showArchives(what: string, options: ShowOptions): Promise<number> {
  const table = await readPrices(options.prices)
  const opened = openBucket(options)
  const { store, keyPrefix, requests, client } = opened
  const other = openSecond(options, options)
  const second = other && { store, second: other.store, now: () => new Date() }
  const versions = options.locks === true ? new S3VersionStore(client, store.bucket, () => new Date()) : undefined
  const { address, guests } = await findGuests(what, options, { store, keyPrefix })
  const rehearsalsAt = rehearsalsBySite({ store, keyPrefix })
  const books = new Map(await Promise.all(guests.map(async ({ site }) => [site, await rehearsalsAt(site)] as const)))
  const asked = address.isArchive || options.at !== undefined
  const told = await Promise.all(
    guests.map(async (guest) => {
      const entry = guest.entries.findLast(({ state }) => state === 'complete') ?? guest.entries.at(-1)
      const restore = entry === undefined ? undefined : restoreCommands(entry, options.bucket, options.s3)
      const price =
        restore === undefined || entry?.facts === undefined
          ? undefined
          : archiveRestorePrice({ ...entry, artifacts: entry.facts.artifacts }, options.destination, table)
      const inFull = !guest.former || address.meansFormer
      const ofGuest = rehearsalIn(books.get(guest.site), guest)
      const rehearsal = asked && entry !== undefined ? await ofArchive(entry, ofGuest, { store, keyPrefix }) : ofGuest
      const locks = versions === undefined || entry === undefined ? undefined : await locksNow(entry, versions)
      const pin = inFull && entry !== undefined ? await readPin(entry.folder, { store, keyPrefix }) : undefined
      const copy = second === undefined || entry === undefined ? undefined : await proveCopy(entry.folder, second)
      const newest = entry === guest.entries.at(-1)
      return { guest, entry, restore, price, rehearsal, ofGuest, locks, pin, copy, inFull, newest }
    }),
  )
  if (options.json === true) {
    const guestsJson = told.map(({ guest, entry, restore, price, rehearsal, locks, pin, copy }) => ({
      ...guest,
      shown: entry?.folder ?? null,
      restore: restore ?? null,
      restorePrice: price ?? null,
      rehearsal: rehearsal ?? null,
      ...(locks === undefined ? {} : { locks }),
      ...(pin === undefined ? {} : { pin }),
      ...(copy === undefined ? {} : { secondCopy: { bucket: options.second, ...copy } }),
    }))
    await out(`${JSON.stringify({ version: 1, guests: guestsJson, requests: Object.fromEntries(requests) })}\n`)
  } else {
    for (const { guest, entry, restore, price, rehearsal, ofGuest, locks, pin, copy, inFull } of told) {
      if (!inFull) {
        const one = new Verbatim(`  guestlift show s3://${options.bucket}/${entry?.folder}`)
        await out(textOf(['', ...guestArchiveLines(guest), 'To see one in full:', one]))
        continue
      }
      const list = guest.entries.length > 1 ? [...guestArchiveLines(guest), ''] : []
      const rehearsed = asked ? archiveRehearsalCell(rehearsal, ofGuest) : rehearsalCell(rehearsal)
      const shown = opened.isAws || options.details === true || options.prices !== undefined ? price : undefined
      const besides = { rehearsed, locks, pin, copy }
      const lines = entry === undefined ? [] : archiveLines(entry, guest.former, options, restore, shown, besides)
      await out(textOf([...list, ...lines]))
    }
    if (guests.length === 0) {
      const by = options.at === undefined ? '' : `, or it was not archived by ${ownTime(options.at)}`
      await out(`Nothing in s3://${options.bucket}/${keyPrefix} is called ${plain(what)}${by}.\n`)
    }
    printNotes([requestLine(opened, { ...options, table })])
  }
  if (guests.length === 0) return exitCodes.failed
  const full = told.filter(({ inFull }) => inFull)
  return full.every(({ restore, newest }) => restore !== undefined && newest) ? exitCodes.succeeded : exitCodes.partial
}

type ShownRehearsal = LastRehearsals | RehearsalsUnknown | undefined

/** Of the guest, whichever of its archives was restored. */
function rehearsalIn(book: RehearsalBook | RehearsalsUnknown | undefined, guest: CataloguedGuest): ShownRehearsal {
  if (book === undefined || 'unknown' in book) return book
  return rehearsalsOf(book, { ...guest.guest, identity: guest.identity })
}

/** Of this very archive. */
async function ofArchive(
  entry: CatalogueEntry,
  ofGuest: ShownRehearsal,
  ports: Parameters<typeof rehearsalsOfArchive>[2],
): Promise<ShownRehearsal> {
  return ofGuest !== undefined && 'unknown' in ofGuest ? ofGuest : rehearsalsOfArchive(entry, ofGuest, ports)
}

/** Where it is not the archive's own, the guest's last one is told beside. */
function archiveRehearsalCell(rehearsal: ShownRehearsal, ofGuest: ShownRehearsal): string {
  if (rehearsal !== undefined || ofGuest === undefined) return rehearsalCell(rehearsal)
  return `never this archive; its guest was ${rehearsalCell(ofGuest)}`
}

function rehearsalCell(rehearsal: ShownRehearsal): string {
  if (rehearsal === undefined) return 'never'
  return 'unknown' in rehearsal ? plain(rehearsal.unknown) : rehearsalText(rehearsal)
}

/** What is asked for beside the catalogue. */
interface Besides {
  rehearsed: string
  locks: readonly FileLock[] | undefined
  pin: Pin | 'unreadable' | undefined
  copy: CopyProof | undefined
}

function copyText({ state, reasons, lock }: CopyProof, bucket: string): string {
  const where = `s3://${plain(bucket)}`
  if (state === 'proved') return `proved in ${where}${lock === undefined ? '' : `, under ${lockWords(lock)}`}`
  return `${state === 'lacking' ? 'NONE' : 'NOT KNOWN'} in ${where}. ${plain(sentences(reasons))}`
}

function pinText(pin: Pin | 'unreadable'): string {
  if (pin === 'unreadable') return "yes, and its record can't be read"
  return `since ${ownTime(pin.pinnedAt)}${pin.reason === undefined ? '' : `: ${plain(pin.reason)}`}`
}

function archiveLines(
  entry: CatalogueEntry,
  former: boolean,
  where: ShowOptions,
  restore: readonly string[] | undefined,
  price: ArchiveRestorePrice | undefined,
  { rehearsed, locks, pin, copy }: Besides,
): Line[] {
  const { facts, guest, site } = entry
  const own = ownRestoreCommand(entry, where)
  const rows = [
    ['Archive', `s3://${where.bucket}/${entry.folder}`],
    [
      'Guest',
      `${site}, ${guest.kind} ${guest.id}${facts === undefined ? '' : ` ${plain(facts.name)}, on ${facts.node}`}${former ? ` ${FORMER}` : ''}`,
    ],
    ['Made', madeAt(entry)],
    ['State', entry.reason === undefined ? entry.state : `${entry.state.toUpperCase()}. ${plain(entry.reason)}`],
    ...(facts === undefined ? [] : factRows(entry, facts)),
    [
      'Verified',
      `${verificationWord(entry)}${entry.verification?.reason === undefined ? '' : `: ${plain(entry.verification.reason)}`}`,
    ],
    ...(locks === undefined ? [] : [['Locked now', locksNowText(locks)]]),
    ...(pin === undefined ? [] : [['Pinned', pinText(pin)]]),
    ...(copy === undefined ? [] : [['Second copy', copyText(copy, where.second ?? '')]]),
    ['Rehearsed', rehearsed],
    [
      'Size',
      `${formatBytes(entry.sizeBytes)} in all${entry.storageClass === undefined ? '' : `, ${entry.storageClass}`}`,
    ],
  ]
  return [
    ...textColumns(rows).flat(),
    ...textColumns(
      (facts?.artifacts ?? []).map(({ fileName, sizeBytes, checksum }) => [
        `  ${plain(fileName)}`,
        `${formatBytes(sizeBytes)} (${sizeBytes} bytes)`,
        checksum,
      ]),
    ).flat(),
    ...(restore === undefined
      ? ['It cannot be restored as it is: take another archive, or look at its files by hand.']
      : ['To restore it, on a node:', ...restore.map((line) => new Verbatim(`  ${line}`))]),
    ...(own === undefined ? [] : ['With Guestlift, first as a dry run:', new Verbatim(`  ${own}`)]),
    ...(price === undefined ? [] : archiveRestoreLines(price, where.details === true)),
  ]
}

/** As the manifest noted it, or as a reading missed it since. Whether a person holds it, S3 alone knows: `--locks` asks. */
function lockText(lock: { mode?: string | undefined; until: string } | undefined, trouble: string | undefined): string {
  if (trouble !== undefined) return `LOCK MISSING. ${plain(trouble)}`
  if (lock === undefined) return 'not as far as its manifest has it'
  const isOver = Date.parse(lock.until) <= Date.now()
  const mode = lock.mode === undefined ? '' : ` (${lock.mode})`
  return `${isOver ? 'no more: ' : ''}until ${ownTime(lock.until)}${mode}, as its manifest has it`
}

function factRows({ verification }: CatalogueEntry, facts: NonNullable<CatalogueEntry['facts']>): string[][] {
  const { verdict, warnings, notes, mode, compress } = facts
  const tags = new Set([...facts.tags, ...(verification?.tags ?? [])])
  return [
    [
      'Verdict',
      `${verdict.name}${warnings === 0 ? '' : `, ${warnings} warnings`}${verdict.reason === '' ? '' : `. ${plain(verdict.reason)}`}`,
    ],
    ['Grade', gradeText(facts.grade)],
    ['Proved by', proofWords(facts.proof)],
    ['Locked', lockText(facts.lock, verification?.lockTrouble)],
    [
      'Backup',
      `${mode}, ${compress}; ${facts.platform} ${facts.platformVersion}; ${facts.writtenBy}, run ${facts.runId}`,
    ],
    ...(notes === undefined || notes === '' ? [] : [['Notes', plain(notes)]]),
    ...(tags.size === 0 ? [] : [['Tags', [...tags].map(plain).join(', ')]]),
  ]
}
