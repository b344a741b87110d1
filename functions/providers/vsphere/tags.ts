/** Tags of guests, which only the REST API of a vCenter knows: `category:name`. */
import * as z from 'zod'
import type { VsphereAuth } from '../../contracts/vsphere-access.ts'
import { parseJson } from '../../domain/words/parse-json.ts'
import type { VimSession } from '../../vsphere-api/vim-session.ts'
import type { Ref } from '../../vsphere-api/xml.ts'

const idsSchema = z.array(z.string()).nullable()
const attachedSchema = z.array(z.object({ object_id: z.object({ id: z.string() }), tag_ids: idsSchema }))
const tagSchema = z.object({ name: z.string(), category_id: z.string() })
const categorySchema = z.object({ name: z.string() })

/** A call of many guests; more at a time make long answers. */
const GUESTS_A_CALL = 500

export interface Tags {
  /** By the reference's id. */
  of: ReadonlyMap<string, readonly string[]>
  /** Why some may be missing: a sentence. */
  note?: string
}

/**
 * From vCenter 6.5 on under `/rest` (deprecated from 7.0 on and still there). Whatever goes wrong, guests are listed
 * without tags, and a note says so: who selects by tags is told that they are not known.
 */
export async function tagsOf(session: VimSession, auth: VsphereAuth, machines: readonly Ref[]): Promise<Tags> {
  try {
    return { of: await readTags(session, auth, machines) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { of: new Map(), note: `Tags of guests can't be read: ${why.replace(/\.$/, '')}.` }
  }
}

async function readTags(session: VimSession, { username, password }: VsphereAuth, machines: readonly Ref[]) {
  const basic = `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
  const opened = await session.http('POST', '/rest/com/vmware/cis/session', { authorization: basic })
  const key = valueOf(z.string(), opened.status, opened.body)
  const headers = { 'vmware-api-session-id': key, 'content-type': 'application/json' }
  const ask = async <Schema extends z.ZodType>(schema: Schema, method: 'GET' | 'POST', path: string, body?: object) => {
    const answer = await session.http(
      method,
      `/rest/com/vmware/cis/tagging/${path}`,
      headers,
      body && JSON.stringify(body),
    )
    return valueOf(schema, answer.status, answer.body)
  }
  try {
    const idsBy = new Map<string, readonly string[]>()
    for (let at = 0; at < machines.length; at += GUESTS_A_CALL) {
      const object_ids = machines.slice(at, at + GUESTS_A_CALL).map(({ type, id }) => ({ type, id }))
      const attached = await ask(attachedSchema, 'POST', 'tag-association?~action=list-attached-tags-on-objects', {
        object_ids,
      })
      for (const { object_id, tag_ids } of attached) idsBy.set(object_id.id, tag_ids ?? [])
    }
    const names = new Map<string, string>()
    const categories = new Map<string, string>()
    for (const id of new Set([...idsBy.values()].flat())) {
      const { name, category_id } = await ask(tagSchema, 'GET', `tag/id:${id}`)
      if (!categories.has(category_id)) {
        categories.set(category_id, (await ask(categorySchema, 'GET', `category/id:${category_id}`)).name)
      }
      names.set(id, `${categories.get(category_id)}:${name}`)
    }
    return new Map([...idsBy].map(([id, tags]) => [id, tags.flatMap((tag) => names.get(tag) ?? []).toSorted()]))
  } finally {
    await session.http('DELETE', '/rest/com/vmware/cis/session', headers).catch(() => undefined)
  }
}

function valueOf<Schema extends z.ZodType>(schema: Schema, status: number, body: string): z.output<Schema> {
  const answer = z.object({ value: z.unknown() }).safeParse(parseJson(body))
  const value = answer.success ? schema.safeParse(answer.data.value) : undefined
  if (status !== 200 || value?.success !== true) throw new Error(`the REST API of the vCenter answered HTTP ${status}`)
  return value.data
}
