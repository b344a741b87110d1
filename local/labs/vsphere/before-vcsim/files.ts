/** Files of the simulator: which are there, how large they are, and what it wants beside those of a client. */
import { basename, dirname } from 'node:path/posix'
import type { Element } from '../wire/xml.ts'
import { fileAlreadyExists } from '../wire/faults.ts'
import type { Answer, Headers, Upstream } from './upstream.ts'

/** The simulator has one datacenter. */
const DATACENTER = 'DC0'

interface Place {
  datastore: string
  path: string
}

function placeOf(name: string): Place {
  const [, datastore = '', path = ''] = /^\[(.+?)\] ?(.*)$/.exec(name) ?? []
  return { datastore, path: path.replace(/\/+$/, '') }
}

async function ask(
  upstream: Upstream,
  cookie: Headers,
  method: string,
  { datastore, path }: Place,
  body = new Uint8Array(),
): Promise<Answer> {
  const where = path.split('/').map(encodeURIComponent).join('/')
  const target = `/folder/${where}?dcPath=${DATACENTER}&dsName=${encodeURIComponent(datastore)}`
  return upstream.send(method, target, cookie, body)
}

const isThere = async (upstream: Upstream, cookie: Headers, place: Place): Promise<boolean> =>
  (await ask(upstream, cookie, 'HEAD', place)).status === 200

/** What a file has, by its name as `[ds] folder/file`. */
export async function sizeOf(upstream: Upstream, cookie: Headers, name: string): Promise<number> {
  const { status, headers } = await ask(upstream, cookie, 'HEAD', placeOf(name))
  return status === 200 ? Number(headers['content-length'] ?? 0) : 0
}

/** @throws VimFault FileAlreadyExists, which the simulator doesn't say */
export async function checkDirectory(upstream: Upstream, cookie: Headers, call: Element): Promise<void> {
  const name = call.textOf('name') ?? ''
  const place = placeOf(name)
  if (await isThere(upstream, cookie, { ...place, path: `${place.path}/` })) throw fileAlreadyExists(name)
}

/** The simulator registers no guest without these; a vCenter does. */
export async function addWanted(upstream: Upstream, cookie: Headers, call: Element): Promise<void> {
  const { datastore, path } = placeOf(call.textOf('path') ?? '')
  if (!(await isThere(upstream, cookie, { datastore, path }))) return
  for (const wanted of [path.replace(/\.vmx$/, '.nvram'), `${dirname(path)}/vmware.log`])
    if (!(await isThere(upstream, cookie, { datastore, path: wanted })))
      await ask(upstream, cookie, 'PUT', { datastore, path: wanted })
}

/** Whether an upload's folder is there: the simulator makes it on the way, and a host doesn't. */
export async function hasFolder(upstream: Upstream, cookie: Headers, target: string): Promise<boolean> {
  const [path = '', query = ''] = target.split('?')
  const { status } = await upstream.send('HEAD', `${dirname(path)}/?${query}`, cookie, new Uint8Array())
  return status === 200
}

const extentOf = (descriptor: string): string => descriptor.replace(/\.vmdk$/, '-flat.vmdk')

/** A disk's bytes, and its descriptor, which names them. */
export async function copyDisk(upstream: Upstream, cookie: Headers, from: string, to: string): Promise<void> {
  const bytes = await ask(upstream, cookie, 'GET', placeOf(extentOf(from)))
  if (bytes.status === 200) await ask(upstream, cookie, 'PUT', placeOf(extentOf(to)), Uint8Array.from(bytes.body))
  const descriptor = await ask(upstream, cookie, 'GET', placeOf(from))
  if (descriptor.status !== 200) return
  const text = descriptor.body.toString('utf8').replace(basename(extentOf(from)), () => basename(extentOf(to)))
  await ask(upstream, cookie, 'PUT', placeOf(to), Buffer.from(text))
}
