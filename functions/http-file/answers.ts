/** What the answers of a file server mean: a range with its bounds, the identity of a file, or one of our facts. */
import { ShortRead, SourceChanged, SourceUnreadable } from '../contracts/errors.ts'
import type { SourceIdentity } from '../contracts/nouns.ts'
import {
  contentLengthOf,
  contentRangeOf,
  type EntityTag,
  entityTagOf,
  fieldOf,
  lastModifiedOf,
  listOf,
  type ResponseHead,
} from '../http/http-response-head.ts'

/** What an answer was about; all that a message needs besides the answer. */
export interface Asked {
  /** `https://nas/dump/x (path /var/lib/vz/dump/x of node pve1, site hq)`. */
  what: string
  /** The fact behind an answer that isn't what was asked for: where to look differs from server to server. */
  refusal: (head: ResponseHead, what: string) => Error
}

/** One version of a file, with all that later answers are held against. */
export interface FileVersion {
  identity: SourceIdentity
  entityTag: EntityTag | undefined
  /** As the server wrote it. */
  lastModified: string | undefined
}

/** Stands for the time of a file whose server tells none: its strong ETag alone says which version it is. */
const UNKNOWN_TIME = new Date(0).toISOString()

/** @throws SourceUnreadable when nothing in the head tells versions of the file apart */
export function fileVersion(head: ResponseHead, sizeBytes: number, asked: Asked): FileVersion {
  const entityTag = entityTagOf(head)
  const time = lastModifiedOf(head)
  if (time === undefined && entityTag?.strong !== true) {
    throw new SourceUnreadable(
      `${asked.what}: the server reports neither a time (Last-Modified) nor a strong ETag, so a file that changes while it ` +
        'is copied would go unnoticed. Serve the file as it lies on disk (nginx, Apache httpd and Caddy send both), not through a script or filter',
    )
  }
  const identity = { sizeBytes, modifiedAt: time?.toISOString() ?? UNKNOWN_TIME }
  return {
    identity: entityTag?.strong === true ? { ...identity, validator: entityTag.text } : identity,
    entityTag,
    lastModified: time === undefined ? undefined : fieldOf(head, 'last-modified'),
  }
}

/** Header lines that make a server refuse (412) to read from another version. Servers that don't know them ignore them. */
export function conditionFor({ entityTag, lastModified }: FileVersion): string {
  if (entityTag?.strong === true) return `If-Match: ${entityTag.text}\r\n`
  return lastModified === undefined ? '' : `If-Unmodified-Since: ${lastModified}\r\n`
}

/** The file's bytes as they lie there? @throws SourceUnreadable */
export function assertUnencoded(head: ResponseHead, asked: Asked): void {
  const encodings = listOf(head, 'content-encoding').filter((encoding) => encoding !== 'identity')
  if (encodings.length > 0) {
    throw new SourceUnreadable(
      `${asked.what}: the server answers with Content-Encoding, so the bytes aren't those of the file. ` +
        'Switch off compression for this path (nginx: gzip off; Apache httpd: no mod_deflate and no AddEncoding)',
    )
  }
}

/**
 * Hold an answer 206 against what was asked for, before a byte of it is taken. A chunked body is refused, too: its length
 * would be known at its end only, and a server that has the file at hand sends none. Returns the file's whole size.
 * @throws ShortRead, SourceUnreadable
 */
export function assertRange(
  head: ResponseHead,
  wanted: { firstByte: number; sizeBytes: number },
  asked: Asked,
): number {
  if (fieldOf(head, 'content-type')?.toLowerCase().startsWith('multipart/') === true) {
    throw new SourceUnreadable(`${asked.what}: the server answers one range with multipart/byteranges`)
  }
  assertUnencoded(head, asked)
  if (head.fields.has('transfer-encoding')) {
    throw new SourceUnreadable(
      `${asked.what}: the server answers with Transfer-Encoding in place of a Content-Length. ` +
        'Switch off whatever rewrites the file on its way (a filter, compression, a proxy)',
    )
  }
  const lastByte = wanted.firstByte + wanted.sizeBytes - 1
  const answered = contentRangeOf(head)
  const { range, totalBytes } = answered ?? {}
  if (range === undefined || totalBytes === undefined) {
    throw new SourceUnreadable(
      `${asked.what}: the server's answer has no Content-Range that says which bytes of how many it holds`,
    )
  }
  if (range.firstByte === wanted.firstByte && range.lastByte < lastByte && range.lastByte === totalBytes - 1) {
    throw shortRead(totalBytes, lastByte + 1, asked)
  }
  const length = contentLengthOf(head)
  if (range.firstByte !== wanted.firstByte || range.lastByte !== lastByte || length !== wanted.sizeBytes) {
    throw new SourceUnreadable(
      `${asked.what}: asked for bytes ${wanted.firstByte}-${lastByte}, the server answered bytes ` +
        `${range.firstByte}-${range.lastByte} with ${length === undefined ? 'no Content-Length' : `a Content-Length of ${length}`}`,
    )
  }
  return totalBytes
}

/**
 * The version that is being read? The ETag's `W/` is left out of the comparison: Apache httpd marks a file of the last
 * second as weak, and later, unchanged, as strong.
 * @throws SourceChanged, SourceUnreadable
 */
export function assertSameVersion(head: ResponseHead, version: FileVersion, asked: Asked): void {
  const { entityTag, lastModified } = version
  const seenTag = entityTagOf(head)
  const seenTime = fieldOf(head, 'last-modified')
  const missing = [
    ...(entityTag !== undefined && seenTag === undefined ? ['ETag'] : []),
    ...(lastModified !== undefined && seenTime === undefined ? ['Last-Modified'] : []),
  ]
  if (missing.length > 0) {
    throw new SourceUnreadable(
      `${asked.what}: the server reports the file's ${missing.join(' and ')} when asked about it, but not with the bytes themselves, ` +
        'so they could be of another version. Serve the file as it lies on disk',
    )
  }
  const changes = [
    ...(seenTag?.opaque === entityTag?.opaque ? [] : ['its ETag']),
    ...(lastModified === undefined || seenTime === lastModified ? [] : ['its Last-Modified']),
  ]
  if (changes.length > 0) throw sourceChanged(`${changes.join(' and ')} changed`, asked)
}

export function sourceChanged(what: string, asked: Asked): SourceChanged {
  return new SourceChanged(
    `${asked.what} changed while it was copied: ${what}. Something else writes or replaces it; the copy is discarded and ` +
      'a new run makes a new backup',
  )
}

export function shortRead(endsAtBytes: number | undefined, neededBytes: number, asked: Asked): ShortRead {
  const end = endsAtBytes === undefined ? '' : ` at ${endsAtBytes} bytes`
  return new ShortRead(`${asked.what} ends${end}, before the ${neededBytes} bytes that were expected of it`)
}

/** The URL for error messages: without the query, which may hold a secret. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`
}
