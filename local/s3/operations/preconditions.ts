/** If-Match and its kin. Reads follow RFC 9110's order of evaluation; writes know only ETags and `*`, as S3 does. */
import { notImplemented, S3Error } from '../errors.ts'
import type { S3Request } from '../protocol/request.ts'
import type { BucketStore } from '../store/bucket-store.ts'
import type { ObjectVersion } from '../store/records.ts'

/** Is it one of the ETags of a header, quoted or not, or a star? */
export function matches(header: string, etag: string): boolean {
  return header.split(',').some((item) => {
    const value = item.trim().replace(/^W\//, '')
    return value === '*' || value.replace(/^"(.*)"$/, '$1') === etag
  })
}

function seconds(instant: string): number {
  return Math.floor(Date.parse(instant) / 1000) * 1000
}

/** @throws S3Error PreconditionFailed or, for reads only, NotModified */
export function checkRead(request: S3Request, version: ObjectVersion, prefix = ''): void {
  const header = (name: string): string | undefined => request.header(`${prefix}${name}`)
  const modified = seconds(version.lastModified)
  const ifMatch = header('if-match')
  const ifNoneMatch = header('if-none-match')
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, version.etag)) throw failed('If-Match')
  } else {
    const since = Date.parse(header('if-unmodified-since') ?? '')
    if (modified > since) throw failed('If-Unmodified-Since')
  }
  // A copy has no "not modified": its source conditions all end in 412.
  const unchanged = (condition: string): S3Error =>
    prefix === ''
      ? new S3Error('NotModified', {
          headers: { etag: `"${version.etag}"`, 'last-modified': new Date(version.lastModified).toUTCString() },
        })
      : failed(condition)
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, version.etag)) throw unchanged('If-None-Match')
  } else {
    const since = Date.parse(header('if-modified-since') ?? '')
    if (modified <= since) throw unchanged('If-Modified-Since')
  }
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', { details: [['Condition', condition]] })
}

export interface WriteCondition {
  /** Call in the same turn as the commit. @throws S3Error PreconditionFailed, ConditionalRequestConflict, NoSuchKey */
  check: () => void
  stop: () => void
}

/** Checks at once, so that a doomed body is never sent, and again when `check` is called. */
export function writeCondition(request: S3Request, bucket: BucketStore, key: string): WriteCondition {
  const ifMatch = request.header('if-match')
  const ifNoneMatch = request.header('if-none-match')
  if (ifMatch === undefined && ifNoneMatch === undefined) return { check: () => undefined, stop: () => undefined }
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented('If-None-Match with an ETag on a write')
  if (ifMatch !== undefined && ifNoneMatch !== undefined) throw notImplemented('If-Match together with If-None-Match')
  const holds = (): void => {
    const current = bucket.current(key)
    if (ifNoneMatch !== undefined) {
      if (current) throw failed('If-None-Match')
      return
    }
    if (!current) throw new S3Error('NoSuchKey', { details: [['Key', key]] })
    if (!matches(ifMatch ?? '', current.etag)) {
      throw failed('If-Match')
    }
  }
  holds()
  const watch = bucket.watch(key)
  return {
    check: () => {
      if (watch.deleted) {
        throw new S3Error('ConditionalRequestConflict', {
          details: [
            ['Condition', ifNoneMatch === undefined ? 'If-Match' : 'If-None-Match'],
            ['Key', key],
          ],
        })
      }
      holds()
    },
    stop: watch.stop,
  }
}

/** S3 refuses conditions on writes that know none. */
export function refuseConditions(request: S3Request): void {
  for (const name of ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']) {
    if (request.header(name) !== undefined) {
      throw new S3Error('NotImplemented', { details: [['Header', name]] })
    }
  }
}
