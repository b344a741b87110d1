import { crc32 } from 'node:zlib'
import type { StoredPart } from '../../aws/archive-store.ts'
import { ArchiveConflict, StoreUnsuitable } from '../../contracts/errors.ts'
import type { StoreStep } from '../../domain/doctor/store-steps.ts'
import type { Ports } from '../ports.ts'

/** How far the last try got. `failed`: what of it the store didn't do. */
export interface StoreTrial {
  done: Set<StoreStep>
  failed?: StoreStep
}

/** What has been made by now and isn't gone yet. */
export interface Leftovers {
  uploads: { key: string; uploadId: string }[]
  keys: Set<string>
}

const texts = {
  first: 'Guestlift tests this store and removes this object.',
  second: 'Guestlift tests this store, and has replaced this.',
  never: 'This must not be written: its condition is not met.',
} as const

/** What a try leaves to others: its leftovers to who cleans up, and its trial to who asked. */
export interface Keeping {
  left: Leftovers
  trial: StoreTrial
}

/**
 * Ask a store for each step in turn, with one object of a few bytes.
 * @throws StoreUnsuitable and the store's own errors; `trial.failed` says at which step
 */
export async function tryStore(key: string, { left, trial }: Keeping, { store }: Pick<Ports, 'store'>): Promise<void> {
  const unsuitable = (step: StoreStep, what: string) => {
    trial.failed ??= step
    return new StoreUnsuitable(
      `The store of s3://${store.bucket} ${what}. Guestlift can't do without it, so nothing was begun. Use a store that ` +
        'does as Amazon S3 does, or a newer version of this one.',
    )
  }
  const of = <Result>(step: StoreStep, work: Promise<Result>): Promise<Result> =>
    work.catch((error: unknown) => {
      trial.failed ??= step
      throw error
    })
  const openUpload = async (): Promise<string> => {
    const uploadId = await store.createUpload(key)
    left.uploads.push({ key, uploadId })
    return uploadId
  }
  const send = (uploadId: string, text: string): Promise<StoredPart> => {
    const body = Buffer.from(text)
    return store.putPart(key, uploadId, 1, body, crc32(body))
  }

  const [upload, rival] = await of('upload', together([openUpload(), openUpload()]))
  await of('upload', together([send(upload, texts.first), send(rival, texts.never)]))
  trial.done.add('upload')
  const [uploads, parts] = await of('lists', together([store.listUploads(key), store.listParts(key, upload)]))
  if (!uploads.includes(upload) || !uploads.includes(rival)) {
    throw unsuitable('lists', 'does not list the uploads that are open')
  }
  const [part] = parts
  if (part === undefined || parts.length > 1 || part.crc32 !== crc32(texts.first)) {
    throw unsuitable('lists', 'does not list the parts of an upload as they were sent')
  }
  left.keys.add(key)
  const stored = await of('checksum', store.completeUpload(key, upload, parts, part.crc32))
  left.uploads = left.uploads.filter(({ uploadId }) => uploadId !== upload)
  trial.done.add('checksum')

  const [created, completed, listed] = await together([
    of('conditions', store.writeText(key, texts.never, { onlyIf: { absent: true } })),
    of(
      'conditions',
      wasCompleted(store.completeUpload(key, rival, await store.listParts(key, rival), crc32(texts.never))),
    ),
    of('lists', store.listKeys(key)),
  ])
  if (created !== undefined) throw unsuitable('conditions', 'overwrites an object where it should not (If-None-Match)')
  if (completed) {
    throw unsuitable('conditions', 'overwrites an object by completing an upload where it should not (If-None-Match)')
  }
  if (!listed.includes(key)) throw unsuitable('lists', 'does not list an object that is there')
  trial.done.add('lists')

  const replaced = await of('conditions', store.writeText(key, texts.second, { onlyIf: { etag: stored.etag } }))
  if (replaced === undefined) {
    throw unsuitable('conditions', 'does not replace an object that is the expected one (If-Match)')
  }
  const again = store.writeText(key, texts.never, { onlyIf: { etag: stored.etag } })
  if ((await of('conditions', again)) !== undefined) {
    throw unsuitable('conditions', 'replaces an object though it is another than the expected one (If-Match)')
  }
  trial.done.add('conditions')
  const last = texts.second.length - 1
  const read = await of('reading', store.readRange(key, { firstByte: 1, lastByte: last, etag: replaced }))
  if (read.toString() !== texts.second.slice(1)) {
    throw unsuitable('reading', 'gives other bytes of an object than were written')
  }
  trial.done.add('reading')

  await of('removal', together([store.remove(key), store.abortUpload(key, rival)]))
  left.uploads = left.uploads.filter(({ uploadId }) => uploadId !== rival)
  if ((await of('removal', store.head(key))) !== undefined) {
    throw unsuitable('removal', 'still shows an object that was removed')
  }
  left.keys.delete(key)
  trial.done.add('removal')
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
export async function together<Works extends readonly Promise<unknown>[]>(
  works: readonly [...Works],
): Promise<{ -readonly [Index in keyof Works]: Awaited<Works[Index]> }> {
  await Promise.allSettled(works)
  return (await Promise.all(works)) as { -readonly [Index in keyof Works]: Awaited<Works[Index]> }
}
