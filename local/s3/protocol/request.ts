/** A request as S3 sees it: which bucket, which key, which parameters. Nothing is verified here. */
import type { IncomingMessage } from 'node:http'
import { invalidArgument, S3Error } from '../errors.ts'

export class QueryParameters {
  readonly entries: readonly (readonly [string, string])[]

  constructor(entries: readonly (readonly [string, string])[]) {
    this.entries = entries
  }

  has(name: string): boolean {
    return this.entries.some(([key]) => key === name)
  }

  get(name: string): string | undefined {
    return this.entries.find(([key]) => key === name)?.[1]
  }

  /** A whole number within bounds, or `fallback`. @throws S3Error InvalidArgument */
  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    const text = this.get(name)
    if (text === undefined || text === '') return fallback
    const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= minimum) || value > 2_147_483_647) {
      throw invalidArgument(`Provided ${name} not an integer or within integer range`, [name, text])
    }
    return Math.min(value, maximum)
  }
}

/** `path` is decoded and starts with a slash; for signatures it is the whole path, bucket included when it was in it. */
export interface S3Request {
  method: string
  path: string
  query: QueryParameters
  bucket?: string
  key?: string
  source: IncomingMessage
  header: (name: string) => string | undefined
}

/** @throws S3Error InvalidURI, KeyTooLongError */
export function readRequest(source: IncomingMessage): S3Request {
  const url = source.url ?? '/'
  const mark = url.indexOf('?')
  const rawPath = mark === -1 ? url : url.slice(0, mark)
  if (!rawPath.startsWith('/')) throw new S3Error('InvalidURI')
  const path = decode(rawPath)
  const query = new QueryParameters(mark === -1 ? [] : parseQuery(url.slice(mark + 1)))
  const { bucket, key } = address(path, source.headers.host)
  if (key !== undefined && Buffer.byteLength(key) > 1024) {
    throw new S3Error('KeyTooLongError', {
      details: [
        ['Size', String(Buffer.byteLength(key))],
        ['MaxSizeAllowed', '1024'],
      ],
    })
  }
  return {
    method: source.method ?? 'GET',
    path,
    query,
    source,
    header: (name) => headerValue(source, name),
    ...(bucket === undefined ? {} : { bucket }),
    ...(key === undefined ? {} : { key }),
  }
}

function headerValue(source: IncomingMessage, name: string): string | undefined {
  const value = source.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

/** Path style, or virtual-host style for names below `localhost` (`archives.localhost`, `archives.s3.localhost`). */
function address(path: string, host: string | undefined): { bucket?: string; key?: string } {
  const name = (host ?? '').replace(/:\d+$/, '')
  const virtual = /^(.+?)(?:\.s3)?\.localhost$/.exec(name)?.[1]
  if (virtual !== undefined && virtual !== 's3') {
    return path === '/' ? { bucket: virtual } : { bucket: virtual, key: path.slice(1) }
  }
  if (path === '/') return {}
  const slash = path.indexOf('/', 1)
  if (slash === -1) return { bucket: path.slice(1) }
  const key = path.slice(slash + 1)
  return key === '' ? { bucket: path.slice(1, slash) } : { bucket: path.slice(1, slash), key }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Percent-decoding over bytes; a bad escape or bytes that aren't UTF-8 are S3's InvalidURI. */
export function decode(text: string): string {
  if (!/%|[^\u0020-\u007e]/.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    let byte = bytes[at] ?? 0
    if (byte === 0x25) {
      const hex = bytes.toString('latin1', at + 1, at + 3)
      if (!/^[0-9a-f]{2}$/i.test(hex)) throw new S3Error('InvalidURI')
      byte = Number.parseInt(hex, 16)
      at += 2
    }
    out[length] = byte
    length += 1
  }
  try {
    return utf8.decode(out.subarray(0, length))
  } catch {
    throw new S3Error('InvalidURI')
  }
}

function parseQuery(text: string): (readonly [string, string])[] {
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const name = equals === -1 ? pair : pair.slice(0, equals)
      const value = equals === -1 ? '' : pair.slice(equals + 1)
      return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))] as const
    })
}
