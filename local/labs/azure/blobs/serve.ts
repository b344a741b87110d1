/** Page blobs behind shared access signatures, for the calls that a reader and an uploader make. */
import { createHash } from 'node:crypto'
import { MIB, PAGE_BYTES, type Range } from '../disks/content.ts'
import { Refusal } from '../errors.ts'
import type { Exported, LabState, Right, World } from '../world.ts'
import type { Answer, Incoming } from '../answers.ts'
import { changesOf } from './changes.ts'

const MOST_BYTES = 4 * MIB
const XML = 'application/xml'

export type BlobCall = 'blob.head' | 'blob.read' | 'blob.pageList' | 'blob.write' | 'blob.clear' | 'blob.unknown'

const header = ({ headers }: Incoming, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

export function blobCallOf(incoming: Incoming): BlobCall {
  const { method, url } = incoming
  const comp = url.searchParams.get('comp')
  if (method === 'HEAD') return 'blob.head'
  if (method === 'GET') return comp === 'pagelist' ? 'blob.pageList' : 'blob.read'
  if (method !== 'PUT' || comp !== 'page') return 'blob.unknown'
  return header(incoming, 'x-ms-page-write')?.toLowerCase() === 'clear' ? 'blob.clear' : 'blob.write'
}

/** Everything that may have a signature. */
export function* exportedOf(world: World): Generator<Exported> {
  yield* world.disks.values()
  yield* world.snapshots.values()
  for (const { points } of world.collections.values()) for (const { disks } of points.values()) yield* disks
}

const denied = (): Refusal =>
  new Refusal(
    403,
    'AuthenticationFailed',
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  )

/** Whose bytes a URL shows. @throws Refusal 403 for a wrong, an old or a returned signature */
export function signedFor(world: World, url: URL): Exported {
  const found = [...exportedOf(world)].find(({ access }) => access?.path === url.pathname)
  const { access } = found ?? {}
  if (found === undefined || access === undefined) throw denied()
  const right = url.searchParams.get('si') === access.si && url.searchParams.get('sig') === access.sig
  if (!right || access.expires <= world.now()) throw denied()
  return found
}

function needRight({ access }: Exported, right: Right): void {
  // A signature for writing reads too, as an upload checks itself.
  if (right === 'Write' && access?.right !== 'Write')
    throw new Refusal(
      403,
      'AuthorizationPermissionMismatch',
      'This request is not authorized to perform this operation using this permission.',
    )
}

/** `bytes=a-b` or `bytes=a-`. @throws Refusal 416 where it begins behind the end, 400 for no range at all */
function rangeOf(incoming: Incoming, length: number): Range | undefined {
  const text = header(incoming, 'x-ms-range') ?? header(incoming, 'range')
  if (text === undefined) return undefined
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(text) ?? []
  if (first === undefined)
    throw new Refusal(400, 'InvalidHeaderValue', 'The value for one of the HTTP headers is not in the correct format.')
  const [start, end] = [Number(first), last === '' || last === undefined ? length : Number(last) + 1]
  if (start >= length || end <= start)
    throw new Refusal(416, 'InvalidRange', 'The range specified is invalid for the current size of the resource.', {
      'content-range': `bytes */${length}`,
    })
  return { start, end: Math.min(end, length) }
}

function needMatch(incoming: Incoming, { blob }: Exported): void {
  const wanted = header(incoming, 'if-match')
  if (wanted !== undefined && wanted !== '*' && wanted !== blob.etag)
    throw new Refusal(412, 'ConditionNotMet', 'The condition specified using HTTP conditional header(s) is not met.')
}

const common = ({ blob }: Exported): Record<string, string> => ({
  etag: blob.etag,
  'last-modified': blob.modified.toUTCString(),
  'x-ms-blob-type': 'PageBlob',
  'x-ms-blob-sequence-number': '0',
  'x-ms-lease-state': 'available',
  'x-ms-lease-status': 'unlocked',
  'x-ms-server-encrypted': 'true',
  'accept-ranges': 'bytes',
  'content-type': 'application/octet-stream',
})

const head = (of: Exported): Answer => ({
  status: 200,
  headers: { ...common(of), 'content-length': String(of.blob.pages.length) },
  body: new Uint8Array(),
})

function read(incoming: Incoming, of: Exported, whole: boolean): Answer {
  const { pages } = of.blob
  const range = whole ? undefined : rangeOf(incoming, pages.length)
  const wantsSum = header(incoming, 'x-ms-range-get-content-md5')?.toLowerCase() === 'true'
  if (range === undefined && wantsSum && !whole)
    throw new Refusal(
      400,
      'MissingRequiredHeader',
      'An HTTP header that is mandatory for this request is not specified.',
    )
  const { start, end } = range ?? { start: 0, end: pages.length }
  if (wantsSum && !whole && end - start > MOST_BYTES)
    throw new Refusal(400, 'OutOfRangeInput', 'One of the request inputs is out of range.')
  const body = pages.read(start, end - start)
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...common(of),
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${pages.length}` }),
      ...(wantsSum && !whole ? { 'content-md5': createHash('md5').update(body).digest('base64') } : {}),
    },
    body,
  }
}

const entry = (tag: string, { start, end }: Range): string =>
  `<${tag}><Start>${start}</Start><End>${end - 1}</End></${tag}>`

/** Ranges that hold pages, and with an earlier snapshot those that were cleared since. */
function pageList(incoming: Incoming, of: Exported, { world }: LabState): Answer {
  const { pages } = of.blob
  const window = rangeOf(incoming, pages.length) ?? { start: 0, end: pages.length }
  const earlier = header(incoming, 'x-ms-previous-snapshot-url')
  const older = earlier === undefined ? undefined : signedFor(world, new URL(earlier))
  if (older !== undefined && older.lineage !== of.lineage)
    throw new Refusal(409, 'PreviousSnapshotOperationNotSupported', 'The previous snapshot is of another disk.')
  const { written, cleared } =
    older === undefined
      ? { written: pages.written(window.start, window.end), cleared: [] }
      : changesOf(older.blob.pages, pages, window)
  const params = incoming.url.searchParams
  const from = Number(params.get('marker') ?? 0)
  const most = Math.min(Number(params.get('maxresults') ?? Infinity), world.settings.mostPageRanges)
  const all = [
    ...written.map((range) => ({ tag: 'PageRange', range })),
    ...cleared.map((range) => ({ tag: 'ClearRange', range })),
  ].toSorted((a, b) => a.range.start - b.range.start)
  const page = all.slice(from, from + most).map(({ tag, range }) => entry(tag, range))
  const next = from + most < all.length ? `<NextMarker>${from + most}</NextMarker>` : ''
  const body = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><PageList>${page.join('')}${next}</PageList>`
  const headers = {
    etag: of.blob.etag,
    'last-modified': of.blob.modified.toUTCString(),
    'x-ms-blob-content-length': String(pages.length),
    'content-type': XML,
  }
  return { status: 200, headers, body: Buffer.from(body) }
}

function write(incoming: Incoming, of: Exported, { world }: LabState, clears: boolean): Answer {
  needRight(of, 'Write')
  const { pages } = of.blob
  const range = rangeOf(incoming, pages.length)
  const length = range === undefined ? 0 : range.end - range.start
  if (range === undefined || range.start % PAGE_BYTES !== 0 || length % PAGE_BYTES !== 0)
    throw new Refusal(416, 'InvalidPageRange', 'The page range specified is invalid.')
  if (!clears && (length > MOST_BYTES || incoming.body.length > MOST_BYTES))
    throw new Refusal(
      413,
      'RequestBodyTooLarge',
      'The request body is too large and exceeds the maximum permissible limit.',
    )
  if (!clears && incoming.body.length !== length)
    throw new Refusal(400, 'InvalidHeaderValue', 'The value for one of the HTTP headers is not in the correct format.')
  const sum = header(incoming, 'content-md5')
  if (!clears && sum !== undefined && sum !== createHash('md5').update(incoming.body).digest('base64'))
    throw new Refusal(
      400,
      'Md5Mismatch',
      'The MD5 value specified in the request did not match with the MD5 value calculated by the server.',
    )
  if (clears) pages.clear(range.start, length)
  else pages.write(range.start, incoming.body)
  of.blob.etag = `"0x${world.newGuid().replaceAll('-', '').slice(0, 15).toUpperCase()}"`
  of.blob.modified = world.now()
  const headers = {
    etag: of.blob.etag,
    'last-modified': of.blob.modified.toUTCString(),
    'x-ms-blob-sequence-number': '0',
    ...(clears ? {} : { 'x-ms-request-server-encrypted': 'true' }),
  }
  return { status: 201, headers, body: new Uint8Array() }
}

/** @param whole answer with all of the blob, whatever range was asked for. @throws Refusal */
export function serveBlob(state: LabState, incoming: Incoming, call: BlobCall, whole: boolean): Answer {
  const of = signedFor(state.world, incoming.url)
  needMatch(incoming, of)
  if (call === 'blob.head') return head(of)
  if (call === 'blob.read') return read(incoming, of, whole)
  if (call === 'blob.pageList') return pageList(incoming, of, state)
  if (call === 'blob.unknown')
    throw new Refusal(405, 'UnsupportedHttpVerb', 'The resource doesn’t support the specified HTTP verb.')
  return write(incoming, of, state, call === 'blob.clear')
}
