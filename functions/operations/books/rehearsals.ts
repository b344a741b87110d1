/** When each guest of a site was rehearsed last. A copy of the evidence below `drills/`, which is read anew where there is none. */
import { isDeepStrictEqual } from 'node:util'
import { InternalFault, RecordUnreadable } from '../../contracts/errors.ts'
import type { DrillEvidence, RehearsalBook } from '../../contracts/drill.ts'
import { drillsPrefix, readDrillEvidenceKey, rehearsalBookKey } from '../../domain/books/object-keys.ts'
import { withRehearsal } from '../../domain/restore/rehearsal-book.ts'
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

async function holdBook(site: string, ports: Needs): Promise<{ book: RehearsalBook; etag?: string }> {
  const { store, keyPrefix } = ports
  const key = rehearsalBookKey(keyPrefix, site)
  const held = await holdRecord(store, key, rehearsalBookShape)
  if (held === undefined) return { book: await rebuilt(site, ports) }
  if (held.value.site === site) return { book: held.value, etag: held.etag }
  throw new RecordUnreadable(
    `s3://${store.bucket}/${key} is the book of site ${held.value.site}. ${rehearsalBookShape.remedy}`,
  )
}

/** Evidence that can't be read proves nothing, and so is left out. */
async function rebuilt(site: string, { store, keyPrefix }: Needs): Promise<RehearsalBook> {
  const keys = (await store.listKeys(drillsPrefix(keyPrefix))).filter(
    (key) => readDrillEvidenceKey(keyPrefix, key) !== undefined,
  )
  const read = async (key: string) => ({
    key,
    found: await unlessUnreadable(readRecord(store, key, drillEvidenceShape)),
  })
  let book: RehearsalBook = { version: 1, site, guests: [] }
  for await (const { key, found } of inOrder(keys, READ_AHEAD, read)) {
    if (found !== undefined && found !== 'unreadable' && found.site === site) book = withRehearsal(book, found, key)
  }
  return book
}
