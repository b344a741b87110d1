/**
 * Heads of HTTP/1 answers (RFC 9112), read strictly: what two readers could understand differently is refused, for a
 * byte taken from the wrong place would end up in an archive.
 */

/** What came can't be trusted to be an HTTP/1 answer with certain bounds. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer'
}

export interface ResponseHead {
  status: number
  /** HTTP/1.0 or HTTP/1.1. */
  minorVersion: 0 | 1
  /** Values by field name in lower case, in the order they came. */
  fields: ReadonlyMap<string, readonly string[]>
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/
/** A token, the colon without a blank before it, and text without control characters but the tab. */
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0A-\x1F\x7F]*)$/ // oxlint-disable-line no-control-regex

/**
 * Parse a head, given without the empty line at its end.
 * @throws MalformedAnswer
 */
export function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const [, minor, status] = STATUS_LINE.exec(statusLine) ?? []
  if (status === undefined) throw new MalformedAnswer('its first line is no HTTP/1 status line')
  const fields = new Map<string, string[]>()
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? []
    if (name === undefined || value === undefined) throw new MalformedAnswer('a header line is malformed')
    const known = fields.get(name.toLowerCase())
    if (known === undefined) fields.set(name.toLowerCase(), [value.trimEnd()])
    else known.push(value.trimEnd())
  }
  return { status: Number(status), minorVersion: minor === '0' ? 0 : 1, fields }
}

/** A field that may come once only. @throws MalformedAnswer when it came twice */
export function fieldOf(head: ResponseHead, name: string): string | undefined {
  const values = head.fields.get(name) ?? []
  if (values.length > 1) throw new MalformedAnswer(`it has ${values.length} headers ${name}`)
  return values[0]
}

/** Members of a field that is a list of tokens, in lower case. */
export function listOf(head: ResponseHead, name: string): string[] {
  return (head.fields.get(name) ?? [])
    .flatMap((value) => value.toLowerCase().split(','))
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

/** Bytes of the body. A list, even of equal numbers, is refused. @throws MalformedAnswer */
export function contentLengthOf(head: ResponseHead): number | undefined {
  const text = fieldOf(head, 'content-length')
  if (text === undefined) return undefined
  const bytes = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(bytes)) throw new MalformedAnswer('its Content-Length is no number')
  return bytes
}

export interface ContentRange {
  /** Both ends inclusive; absent in an answer 416. */
  range?: { firstByte: number; lastByte: number }
  /** Size of the whole file. */
  totalBytes: number
}

/** @returns `undefined` when there is none, or none that says both range and total. @throws MalformedAnswer */
export function contentRangeOf(head: ResponseHead): ContentRange | undefined {
  const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/i.exec(fieldOf(head, 'content-range') ?? '') ?? []
  if (total === undefined) return undefined
  const totalBytes = Number(total)
  if (!Number.isSafeInteger(totalBytes)) return undefined
  if (first === undefined || last === undefined) return { totalBytes }
  const range = { firstByte: Number(first), lastByte: Number(last) }
  return range.firstByte <= range.lastByte && range.lastByte < totalBytes ? { range, totalBytes } : undefined
}

export interface EntityTag {
  /** As it came, with quotes and `W/`. */
  text: string
  /** What the quotes hold, with them. */
  opaque: string
  strong: boolean
}

/** @throws MalformedAnswer */
export function entityTagOf(head: ResponseHead): EntityTag | undefined {
  const text = fieldOf(head, 'etag')
  if (text === undefined) return undefined
  // RFC 9110, 8.8.3. Some servers send it without quotes: no validator then, for it can't be sent back.
  const [, weak, opaque] = /^(W\/)?("[\x21\x23-\x7E\x80-\xFF]*")$/.exec(text) ?? []
  return opaque === undefined ? undefined : { text, opaque, strong: weak === undefined }
}

/** Last-Modified, where it has the one form that servers may send (RFC 9110, 5.6.7). @throws MalformedAnswer */
export function lastModifiedOf(head: ResponseHead): Date | undefined {
  const text = fieldOf(head, 'last-modified') ?? ''
  if (!/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)) return undefined
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? undefined : time
}

/** May the connection serve another request? */
export function keepsAlive(head: ResponseHead): boolean {
  const options = listOf(head, 'connection')
  return !options.includes('close') && (head.minorVersion === 1 || options.includes('keep-alive'))
}
