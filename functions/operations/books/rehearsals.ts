/** When each guest of a site was rehearsed last. A copy of the evidence below `drills/`, which is read anew where there is none. */
import { isDeepStrictEqual } from 'node:util'
import { InternalFault, RecordTooNew, RecordUnreadable, StoreDenied } from '../../contracts/errors.ts'
import type { DrillEvidence, RehearsalBook } from '../../contracts/drill.ts'
import {
  drillEvidenceDay,
  drillsPrefix,
  type KeyedGuest,
  readDrillEvidenceKey,
  rehearsalBookKey,
} from '../../domain/books/object-keys.ts'
import { type LastRehearsals, rehearsalsOf, withRehearsal } from '../../domain/restore/rehearsal-book.ts'
import { type Dated, timeOf } from '../../domain/time/archive-time.ts'
import type { Ports } from '../ports.ts'
import { inOrder } from './ordered-lookahead.ts'
import { drillEvidenceShape, rehearsalBookShape } from './shapes.ts'
import { holdRecord, readRecord, unlessUnreadable, writeRecord } from './stored-json.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** How often another rehearsal may come between reading and writing. */
const TRIES = 10
const READ_AHEAD = 16

/** @throws RecordUnreadable, RecordTooNew of the book */
export async function readRehearsals(site: string, ports: Needs): Promise<RehearsalBook> {
  return (await holdBook(site, ports)).book
}

/** Why nobody knows which guests were rehearsed: a sentence. */
export interface RehearsalsUnknown {
  unknown: string
}

/**
 * For those who show it and go on without it: a book that can't be read, or mayn't, is said to be, and never taken for an
 * empty one.
 * @param keep write a book that was missing, so that the next one needn't read all evidence anew
 */
export async function showRehearsals(
  site: string,
  ports: Needs,
  { keep = false }: { keep?: boolean } = {},
): Promise<RehearsalBook | RehearsalsUnknown> {
  try {
    const { book, etag, evidence } = await holdBook(site, ports)
    if (keep && etag === undefined && evidence > 0) {
      const key = rehearsalBookKey(ports.keyPrefix, site)
      await writeRecord(ports.store, key, rehearsalBookShape, book, { onlyIf: { absent: true } })
    }
    return book
  } catch (error) {
    const isUnread = error instanceof RecordUnreadable || error instanceof RecordTooNew || error instanceof StoreDenied
    if (!isUnread) throw error
    return { unknown: `When guests of site ${site} were rehearsed is not known. ${error.message}` }
  }
}

/** Of several sites: each book is read once. */
export function rehearsalsBySite(
  ports: Needs,
  options: { keep?: boolean } = {},
): (site: string) => Promise<RehearsalBook | RehearsalsUnknown> {
  const books = new Map<string, Promise<RehearsalBook | RehearsalsUnknown>>()
  return (site) => {
    const book = books.get(site) ?? showRehearsals(site, ports, options)
    books.set(site, book)
    return book
  }
}

/** Keep a rehearsal whose evidence was written. */
export async function noteRehearsal(evidence: DrillEvidence, evidenceKey: string, ports: Needs): Promise<void> {
  const key = rehearsalBookKey(ports.keyPrefix, evidence.site)
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const { book, etag } = await holdBook(evidence.site, ports)
    const changed = withRehearsal(book, evidence, evidenceKey)
    if (etag !== undefined && isDeepStrictEqual(changed, book)) return
    const onlyIf = etag === undefined ? { absent: true as const } : { etag }
    const written = await writeRecord(ports.store, key, rehearsalBookShape, changed, {
      onlyIf,
      held: etag !== undefined,
    })
    if (written !== undefined) return
  }
  throw new InternalFault(`s3://${ports.store.bucket}/${key} was changed by others each time.`)
}

interface HeldBook {
  book: RehearsalBook
  /** Absent where there is no book. */
  etag?: string
  /** So many pieces of evidence were found where there is none, of any site. */
  evidence: number
}

async function holdBook(site: string, ports: Needs): Promise<HeldBook> {
  const { store, keyPrefix } = ports
  const key = rehearsalBookKey(keyPrefix, site)
  const held = await holdRecord(store, key, rehearsalBookShape)
  if (held === undefined) return rebuilt(site, ports)
  if (held.value.site === site) return { book: held.value, etag: held.etag, evidence: 0 }
  throw new RecordUnreadable(
    `s3://${store.bucket}/${key} is the book of site ${held.value.site}. ${rehearsalBookShape.remedy}`,
  )
}

/** An archive of which there may be rehearsals. */
export interface RehearsedArchive extends Dated {
  site: string
  guest: KeyedGuest
}

/** A clock may differ by so much without anybody's complaint. */
const DAY_MILLISECONDS = 86_400_000

/**
 * The rehearsals of one archive, by all evidence since it was made; `undefined`: it was never rehearsed.
 * @param known those of its guest: where its last one that passed is of this archive, no evidence is read
 */
export async function rehearsalsOfArchive(
  archive: RehearsedArchive,
  known: LastRehearsals | undefined,
  { store, keyPrefix }: Needs,
): Promise<LastRehearsals | undefined> {
  if (known === undefined) return undefined
  if (known.last.passed && known.last.archiveCreatedAt === archive.createdAt) return known
  const since = new Date(timeOf(archive) - DAY_MILLISECONDS).toISOString().slice(0, 10)
  const { site, guest, createdAt } = archive
  const book = await bookOf(
    site,
    (key) => (drillEvidenceDay(keyPrefix, key) ?? '') >= since,
    (one) => one.guest.kind === guest.kind && one.guest.id === guest.id && one.archive.createdAt === createdAt,
    { store, keyPrefix },
  )
  return rehearsalsOf(book.book, guest)
}

async function rebuilt(site: string, ports: Needs): Promise<HeldBook> {
  return bookOf(
    site,
    () => true,
    () => true,
    ports,
  )
}

/** Evidence that can't be read proves nothing, and so is left out. */
async function bookOf(
  site: string,
  isRead: (key: string) => boolean,
  fits: (evidence: DrillEvidence) => boolean,
  { store, keyPrefix }: Needs,
): Promise<HeldBook> {
  const keys = (await store.listKeys(drillsPrefix(keyPrefix))).filter(
    (key) => readDrillEvidenceKey(keyPrefix, key) !== undefined && isRead(key),
  )
  const read = async (key: string) => ({
    key,
    found: await unlessUnreadable(readRecord(store, key, drillEvidenceShape)),
  })
  let book: RehearsalBook = { version: 1, site, guests: [] }
  for await (const { key, found } of inOrder(keys, READ_AHEAD, read)) {
    if (found !== undefined && found !== 'unreadable' && found.site === site && fits(found)) {
      book = withRehearsal(book, found, key)
    }
  }
  return { book, evidence: keys.length }
}
