/** `/folder`: files of a datastore, read by ranges and written whole. */
import { dirname } from 'node:path/posix'
import { memoryBytes } from './disks/bytes.ts'
import { contentsOf, isInUse, isLocked, isRawDevice, putFile } from './world/files.ts'
import { dcPathOf } from './world/paths.ts'
import { mayDo } from './world/rights.ts'
import { datastoreOf, type Datastore, entriesOf, type LabFile, type User, type World } from './world/world.ts'
import type { Incoming, Outgoing } from './wire/exchange.ts'
import { escapeXml } from './wire/xml.ts'

export interface FolderRequest extends Incoming {
  user: User
  /** A ticket was shown for this very request, so that a host answers without dcPath. */
  byTicket: boolean
}

const page = (status: number, text: string): Outgoing => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from(`<HTML><BODY><H1>${status} ${text}</H1></BODY></HTML>`),
})

/** A part of a URL without its quoting; nothing where that is wrong. */
function unquoted(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Where names are to be quoted twice, one that is quoted once reads as something else. */
function parameter(world: World, query: string, name: string): string | undefined {
  const found = query.split('&').find((each) => each.startsWith(`${name}=`))
  if (found === undefined) return undefined
  const once = unquoted(found.slice(name.length + 1).replaceAll('+', ' '))
  if (world.settings.quoting === 'once' || once === undefined) return once
  return /^[\w.~%/-]*$/.test(once) ? unquoted(once) : undefined
}

function datastoreFor(world: World, query: string): Datastore | undefined {
  const name = parameter(world, query, 'dsName')
  const dcPath = parameter(world, query, 'dcPath')?.replace(/^\/+|\/+$/g, '')
  const isHost = world.product.kind === 'host'
  const datacenter = entriesOf(world, 'Datacenter').find((each) =>
    dcPath === undefined ? isHost : dcPathOf(world, each) === dcPath,
  )
  return entriesOf(world, 'Datastore').find((each) => each.name === name && each.datacenter === datacenter?.id)
}

/** By ticket, a host is asked: it has no datacenters. */
function datastoreOnHost(world: World, query: string): Datastore | undefined {
  const name = parameter(world, query, 'dsName')
  return entriesOf(world, 'Datastore').find((each) => each.name === name)
}

const typeOf = (path: string): string =>
  path.endsWith('.vmdk') ? 'application/octet-stream' : 'text/plain; charset=utf-8'

function listing(datastore: Datastore, path: string): Outgoing {
  const { files, folders } = contentsOf(datastore, path)
  const links = [...folders.map((each) => `${each}/`), ...files]
    .map((each) => each.slice(path === '' ? 0 : path.length + 1))
    .map((each) => `<a href="${encodeURI(each)}">${escapeXml(each)}</a>`)
  return {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: Buffer.from(`<html><body><pre>\n${links.join('\n')}\n</pre></body></html>\n`),
  }
}

/** The range that is asked for: nothing for the whole file, `wrong` for one that lies outside. */
function rangeOf(header: string | undefined, size: number): { first: number; last: number } | 'wrong' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (found === null) return undefined
  const [, from = '', to = ''] = found
  if (from === '' && to === '') return undefined
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  return first >= size || first > last ? 'wrong' : { first, last }
}

function serve(file: LabFile, path: string, method: string, { headers }: FolderRequest): Outgoing {
  const size = file.wrongSizeBytes ?? file.bytes.sizeBytes
  const basic = {
    'accept-ranges': 'bytes',
    'content-type': typeOf(path),
    'last-modified': file.modifiedAt.toUTCString(),
  }
  const since = Date.parse(headers['if-unmodified-since'] ?? '')
  if (since < Math.floor(file.modifiedAt.getTime() / 1000) * 1000)
    return {
      status: 412,
      headers: { 'last-modified': basic['last-modified'], 'content-length': '0' },
      body: Buffer.alloc(0),
    }
  if (method === 'HEAD')
    return { status: 200, headers: { ...basic, 'content-length': String(size) }, body: Buffer.alloc(0) }
  const range = rangeOf(headers.range, size)
  if (range === 'wrong') {
    const answer = page(416, 'Requested Range Not Satisfiable')
    const more = { 'content-range': `bytes */${size}`, 'last-modified': basic['last-modified'] }
    return { ...answer, headers: { ...answer.headers, ...more } }
  }
  const { first, last } = range ?? { first: 0, last: size - 1 }
  const length = last - first + 1
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...basic,
      'content-length': String(length),
      ...(range === undefined ? {} : { 'content-range': `bytes ${first}-${last}/${size}` }),
    },
    body: Buffer.alloc(0),
    content: { path, bytes: file.bytes, from: first, length },
  }
}

function put(world: World, datastore: Datastore, path: string, { body }: FolderRequest): Outgoing {
  const folder = dirname(path)
  if (folder !== '.' && !datastore.directories.has(folder)) return page(404, 'Not Found')
  if (isInUse(world, datastore, path)) return page(500, 'Internal Server Error')
  const old = datastore.files.get(path)
  const growth = body.length - (old?.bytes.sizeBytes ?? 0)
  if (growth > datastore.freeBytes) return page(507, 'Insufficient Storage')
  datastore.freeBytes -= growth
  putFile(world, datastore, path, memoryBytes(body))
  return { status: old === undefined ? 201 : 200, headers: { 'content-length': '0' }, body: Buffer.alloc(0) }
}

export function folder(world: World, request: FolderRequest): Outgoing {
  const [pathname = '', query = ''] = request.target.split(/\?(.*)/s)
  const path = unquoted(pathname.replace(/^\/folder\/?/, ''))?.replace(/\/+$/, '')
  const datastore = request.byTicket ? datastoreOnHost(world, query) : datastoreFor(world, query)
  if (path === undefined || datastore === undefined || !datastore.accessible) return page(404, 'Not Found')
  // There is no lesser right for reading.
  if (!mayDo(world, request.user, datastore, 'Datastore.FileManagement')) return page(403, 'Forbidden')
  if (request.method === 'PUT') return put(world, datastoreOf(world, datastore.id), path, request)
  if (request.method !== 'GET' && request.method !== 'HEAD') return page(405, 'Method Not Allowed')
  const file = datastore.files.get(path)
  if (file === undefined)
    return path === '' || datastore.directories.has(path) ? listing(datastore, path) : page(404, 'Not Found')
  if (isLocked(world, datastore, path) || isRawDevice(world, datastore, path)) return page(500, 'Internal Server Error')
  return serve(file, path, request.method, request)
}
