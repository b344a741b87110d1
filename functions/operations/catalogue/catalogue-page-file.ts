import { createHash } from 'node:crypto'
import { ArchiveConflict } from '../../contracts/errors.ts'
import {
  cataloguePage,
  PAGE_HEAD_BYTES,
  type PageAbout,
  type PageGuestText,
  pageReadAt,
} from '../../catalogue-page/page.ts'
import type { Ports } from '../ports.ts'

/** Runs that end together each get their turn within as many. */
const TRIES = 5

/** The page in pieces, each a string. */
export function pagePieces(about: PageAbout, guests: Iterable<PageGuestText>): Generator<string, void, void> {
  return cataloguePage(about, guests, (text) => createHash('sha256').update(text).digest('base64'))
}

/**
 * Put a page into the bucket, unless one is there that was read later: then that one stays, since it tells more. Returns
 * whether it was written.
 */
export async function storePage(
  key: string,
  about: PageAbout,
  guests: Iterable<PageGuestText>,
  ports: Pick<Ports, 'store' | 'now'>,
): Promise<boolean> {
  const text = [...pagePieces(about, guests)].join('')
  for (let tries = 0; tries < TRIES; tries += 1) {
    const there = await lookAt(key, ports)
    if (there === 'changing') continue
    const readAt = Date.parse(there?.readAt ?? '')
    // A page from the future was dated by a clock that went wrong, and would keep every other one out.
    if (readAt > Date.parse(about.readAt) && readAt <= ports.now().getTime()) return false
    const onlyIf = there === undefined ? { absent: true as const } : { etag: there.etag }
    const written = await ports.store.writeText(key, text, { contentType: 'text/html; charset=utf-8', onlyIf })
    if (written !== undefined) return true
  }
  return false
}

/** The page that is there: its head is enough. */
async function lookAt(
  key: string,
  { store }: Pick<Ports, 'store'>,
): Promise<{ etag: string; readAt: string | undefined } | 'changing' | undefined> {
  const object = await store.head(key)
  if (object === undefined) return undefined
  const { etag, sizeBytes } = object
  if (sizeBytes === 0) return { etag, readAt: undefined }
  try {
    const lastByte = Math.min(sizeBytes, PAGE_HEAD_BYTES) - 1
    return { etag, readAt: pageReadAt((await store.readRange(key, { firstByte: 0, lastByte, etag })).toString()) }
  } catch (error) {
    if (error instanceof ArchiveConflict) return 'changing'
    throw error
  }
}
