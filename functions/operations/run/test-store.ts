import { crc32 } from 'node:zlib'
import type { StoredPart } from '../../aws/archive-store.ts'
import { ArchiveConflict, StoreUnreachable, StoreUnsuitable } from '../../contracts/errors.ts'
import { storeTestKey } from '../../domain/books/object-keys.ts'
import { isUnanswered } from '../../domain/words/unanswered.ts'
import type { Ports } from '../ports.ts'
import { withinTime } from './time-limit.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'sleep' | 'timer' | 'randomToken' | 'log'>

/** Some ten round trips: a store that takes longer over them is of no use for archives. */
const TEST_MILLISECONDS = 8_000
/** What a test leaves behind is the sweep's, when it can't be removed within this. */
const CLEAN_UP_MILLISECONDS = 1_000

/** What has been made by now and isn't gone yet. */
interface Leftovers {
  uploads: { key: string; uploadId: string }[]
  keys: Set<string>
}

/**
 * Does the store do all that a run needs of it? Found out before anything is dumped, within nine seconds, with an object
 * of a few bytes below `uploads/test/`: multipart upload with its lists and its CRC-32 over the whole, writes on condition,
 * reading, removal. Nothing stays of it; where versions are kept, two of some 50 bytes and a delete marker do.
 * @param provenBy key of an object that is only written after a test, of the same run: while it is there, this is no news
 * @throws StoreUnsuitable, StoreUnreachable, StoreDenied, NotAnObjectStore; StoreUnavailable when the store itself asks to
 *   come back later
 */
export async function testStore(ports: Needs, provenBy?: string): Promise<void> {
  const { store, now, log } = ports
  const begunAt = now().getTime()
  const left: Leftovers = { uploads: [], keys: new Set() }
  try {
    const limit = { milliseconds: TEST_MILLISECONDS, mayPass: isUnanswered, late: (last: unknown) => late(store, last) }
    // A key of its own for each try: what an earlier one left would look like a condition that doesn't hold.
    const tested = await withinTime(limit, ports, async () => {
      if (provenBy !== undefined && (await store.head(provenBy)) !== undefined) return false
      await tryStore(storeTestKey(ports.keyPrefix, ports.randomToken()), left, ports)
      return true
    })
    if (tested) log('store-tested', { bucket: store.bucket, milliseconds: now().getTime() - begunAt })
  } finally {
    await cleanUp(left, ports)
  }
}

function late({ bucket }: Needs['store'], last: unknown): StoreUnreachable {
  const why = last instanceof Error ? last.message : 'it was still waiting for an answer'
  return new StoreUnreachable(
    `The store of s3://${bucket} did not get through a test of a few small requests within ${TEST_MILLISECONDS / 1000} seconds: ${why}. ` +
      'Check the endpoint, that the store is up, and the network in between; a function in a VPC needs a gateway endpoint for S3.',
    { cause: last },
  )
}

const texts = {
  first: 'Guestlift tests this store and removes this object.',
  second: 'Guestlift tests this store, and has replaced this.',
  never: 'This must not be written: its condition is not met.',
} as const

async function tryStore(key: string, left: Leftovers, { store }: Needs): Promise<void> {
  const unsuitable = (what: string) =>
    new StoreUnsuitable(
      `The store of s3://${store.bucket} ${what}. Guestlift can't do without it, so nothing was begun. Use a store that ` +
        'does as Amazon S3 does, or a newer version of this one.',
    )
  const openUpload = async (): Promise<string> => {
    const uploadId = await store.createUpload(key)
    left.uploads.push({ key, uploadId })
    return uploadId
  }
  const send = (uploadId: string, text: string): Promise<StoredPart> => {
    const body = Buffer.from(text)
    return store.putPart(key, uploadId, 1, body, crc32(body))
  }

  const [upload, rival] = await together([openUpload(), openUpload()])
  await together([send(upload, texts.first), send(rival, texts.never)])
  const [uploads, parts] = await together([store.listUploads(key), store.listParts(key, upload)])
  if (!uploads.includes(upload) || !uploads.includes(rival)) throw unsuitable('does not list the uploads that are open')
  const [part] = parts
  if (part === undefined || parts.length > 1 || part.crc32 !== crc32(texts.first)) {
    throw unsuitable('does not list the parts of an upload as they were sent')
  }
  left.keys.add(key)
  const stored = await store.completeUpload(key, upload, parts, part.crc32)
  left.uploads = left.uploads.filter(({ uploadId }) => uploadId !== upload)

  const [created, completed, listed] = await together([
    store.writeText(key, texts.never, { onlyIf: { absent: true } }),
    wasCompleted(store.completeUpload(key, rival, await store.listParts(key, rival), crc32(texts.never))),
    store.listKeys(key),
  ])
  if (created !== undefined) throw unsuitable('overwrites an object where it should not (If-None-Match)')
  if (completed) throw unsuitable('overwrites an object by completing an upload where it should not (If-None-Match)')
  if (!listed.includes(key)) throw unsuitable('does not list an object that is there')

  const replaced = await store.writeText(key, texts.second, { onlyIf: { etag: stored.etag } })
  if (replaced === undefined) throw unsuitable('does not replace an object that is the expected one (If-Match)')
  if ((await store.writeText(key, texts.never, { onlyIf: { etag: stored.etag } })) !== undefined) {
    throw unsuitable('replaces an object though it is another than the expected one (If-Match)')
  }
  const last = texts.second.length - 1
  const read = await store.readRange(key, { firstByte: 1, lastByte: last, etag: replaced })
  if (read.toString() !== texts.second.slice(1)) throw unsuitable('gives other bytes of an object than were written')

  await together([store.remove(key), store.abortUpload(key, rival)])
  left.uploads = left.uploads.filter(({ uploadId }) => uploadId !== rival)
  if ((await store.head(key)) !== undefined) throw unsuitable('still shows an object that was removed')
  left.keys.delete(key)
}

/** A store that keeps the condition says that the key is taken. */
async function wasCompleted(completing: Promise<unknown>): Promise<boolean> {
  try {
    await completing
    return true
  } catch (error) {
    if (error instanceof ArchiveConflict) return false
    throw error
  }
}

/** At the same time, and all of them over before the first failure is told: what they leave behind is known by then. */
async function together<Works extends readonly Promise<unknown>[]>(
  works: readonly [...Works],
): Promise<{ -readonly [Index in keyof Works]: Awaited<Works[Index]> }> {
  await Promise.allSettled(works)
  return (await Promise.all(works)) as { -readonly [Index in keyof Works]: Awaited<Works[Index]> }
}

/** As far as it goes: what stays is found by the sweep. */
async function cleanUp({ uploads, keys }: Leftovers, ports: Needs): Promise<void> {
  const { store, log } = ports
  if (uploads.length + keys.size === 0) return
  const removals = [
    ...uploads.map(({ key, uploadId }) => store.abortUpload(key, uploadId)),
    ...[...keys].map((key) => store.remove(key)),
  ]
  const limit = {
    milliseconds: CLEAN_UP_MILLISECONDS,
    mayPass: () => false,
    late: () => new Error('no answer in time'),
  }
  await withinTime(limit, ports, () => together(removals)).catch((error: unknown) =>
    log('store-test-left', { bucket: store.bucket, reason: String(error) }),
  )
}
