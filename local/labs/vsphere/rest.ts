/** `/rest/com/vmware/cis`: sessions of its own, and tags. A vCenter has it; a host doesn't. */
import type { IncomingHttpHeaders } from 'node:http'
import { VimFault } from './wire/faults.ts'
import { checkPassword } from './world/sessions.ts'
import type { World } from './world/world.ts'

export interface RestAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

const nothing = (status: number): RestAnswer => ({ status, headers: {}, body: '' })

const value = (given: unknown, headers: Record<string, string> = {}): RestAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ value: given }),
})

const error = (status: number, type: string, message: string): RestAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    type: `com.vmware.vapi.std.errors.${type}`,
    value: { messages: [{ args: [], default_message: message, id: `vapi.${type}` }] },
  }),
})

const unauthenticated = (): RestAnswer => error(401, 'unauthenticated', 'Authentication required.')

function signIn(world: World, headers: IncomingHttpHeaders): RestAnswer {
  const given = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1]
  if (given === undefined) return unauthenticated()
  const [name = '', password = ''] = Buffer.from(given, 'base64').toString('utf8').split(/:(.*)/s)
  try {
    const user = checkPassword(world, name, password)
    const id = world.hex(32)
    world.restSessions.set(id, user)
    return value(id, { 'set-cookie': `vmware-api-session-id=${id};Path=/rest;Secure;HttpOnly` })
  } catch (fault) {
    if (fault instanceof VimFault) return unauthenticated()
    throw fault
  }
}

const sessionIn = (headers: IncomingHttpHeaders): string | undefined => {
  const header = headers['vmware-api-session-id']
  return typeof header === 'string' ? header : /vmware-api-session-id=(\w+)/.exec(headers.cookie ?? '')?.[1]
}

interface ObjectId {
  type: string
  id: string
}

function tagsOf(world: World, { id, type }: ObjectId): string[] {
  const entry = world.entries.get(id)
  return entry?.type === 'VirtualMachine' && type === entry.type ? entry.tags : []
}

const PREFIX = '/rest/com/vmware/cis/'

function associations(world: World, action: string, body: Record<string, unknown>): RestAnswer | undefined {
  if (action === '?~action=list-attached-tags-on-objects') {
    const objects = body['object_ids'] as ObjectId[]
    return value(
      objects.map((object) => {
        const tags = tagsOf(world, object)
        return { object_id: object, tag_ids: tags.length === 0 ? null : tags }
      }),
    )
  }
  if (action === '?~action=list-attached-tags') return value(tagsOf(world, body['object_id'] as ObjectId))
  return undefined
}

function creation(world: World, what: string, body: Record<string, unknown>): RestAnswer | undefined {
  const spec = (body['create_spec'] ?? {}) as Record<string, string>
  const urn = (kind: string): string => `urn:vmomi:InventoryService${kind}:${world.uuid()}:GLOBAL`
  const name = spec['name'] ?? ''
  if (what === 'category') {
    const id = urn('Category')
    world.categories.set(id, { id, name })
    return value(id)
  }
  if (what === 'tag') {
    const id = urn('Tag')
    world.tags.set(id, { id, name, categoryId: spec['category_id'] ?? '' })
    return value(id)
  }
  const attached = /^tag-association\/id:(.+)\?~action=attach$/.exec(what)?.[1]
  const object = (body['object_id'] ?? {}) as Partial<ObjectId>
  const entry = world.entries.get(object.id ?? '')
  if (attached === undefined || entry?.type !== 'VirtualMachine') return undefined
  entry.tags = [...new Set([...entry.tags, decodeURIComponent(attached)])]
  return nothing(200)
}

function tagging(world: World, method: string, what: string, body: Record<string, unknown>): RestAnswer {
  const { tags, categories } = world
  const shown = (id: string): string => decodeURIComponent(id)
  if (method === 'GET' && what === 'tag') return value([...tags.keys()])
  if (method === 'GET' && what === 'category') return value([...categories.keys()])
  const [, kind, id = ''] = /^(tag|category)\/id:(.+)$/.exec(what) ?? []
  if (method === 'GET' && kind === 'tag') {
    const tag = tags.get(shown(id))
    return tag === undefined
      ? error(404, 'not_found', 'The tag is not there.')
      : value({ id: tag.id, name: tag.name, description: '', category_id: tag.categoryId, used_by: [] })
  }
  if (method === 'GET' && kind === 'category') {
    const category = categories.get(shown(id))
    return category === undefined
      ? error(404, 'not_found', 'The category is not there.')
      : value({ ...category, description: '', cardinality: 'MULTIPLE', associable_types: [], used_by: [] })
  }
  const made = method === 'POST' ? creation(world, what, body) : undefined
  if (made !== undefined) return made
  if (method === 'POST' && what.startsWith('tag-association'))
    return associations(world, what.slice('tag-association'.length), body) ?? nothing(404)
  return nothing(404)
}

export function rest(
  world: World,
  method: string,
  target: string,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
): RestAnswer {
  if (world.product.kind === 'host' || !target.startsWith(PREFIX)) return nothing(404)
  const what = target.slice(PREFIX.length)
  if (method === 'POST' && what === 'session') return signIn(world, headers)
  const id = sessionIn(headers)
  if (id === undefined || !world.restSessions.has(id)) return unauthenticated()
  if (method === 'DELETE' && what === 'session') {
    world.restSessions.delete(id)
    return nothing(200)
  }
  if (!what.startsWith('tagging/')) return nothing(404)
  try {
    const text = Buffer.from(body).toString('utf8')
    return tagging(
      world,
      method,
      what.slice('tagging/'.length),
      text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    )
  } catch {
    return error(400, 'invalid_argument', 'The body is no JSON.')
  }
}
