/**
 * Gaps of a container's archive that its log keeps quiet about: pve-container 6.1.10 drops snapshots and pending changes
 * from the configuration that it saves without a word, and what the node's own defaults exclude stands in no log.
 */
import * as z from 'zod'
import { GuestliftError } from '../../contracts/errors.ts'
import type { Gap } from '../../contracts/grade.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { excludedFiles, PENDING_CHANGES, SNAPSHOTS } from './gaps.ts'
import type { UnsaidGaps } from './grade.ts'
import { text } from './schemas.ts'

/** GET /nodes/{n}/lxc/{vmid}/snapshot: one row, `current`, is the guest as it is. A list without it proves nothing. */
const snapshotRowsSchema = z
  .array(z.object({ name: text }))
  .refine((rows) => rows.some(({ name }) => name === 'current'))
/** GET /nodes/{n}/lxc/{vmid}/pending: a row for each key, never none; what waits has another value, or is to be deleted. */
const pendingRowsSchema = z
  .array(z.object({ key: text, pending: z.unknown().optional(), delete: z.unknown().optional() }))
  .min(1)
/** GET /nodes/{n}/vzdump/defaults. The paths are an array in newer versions and one text in older ones. */
const defaultsSchema = z.object({
  mode: text,
  'exclude-path': z
    .union([z.array(z.string()), z.string().transform((paths) => paths.split('\0').filter((path) => path !== ''))])
    .default([]),
})

/**
 * As the node tells it after the job. What this account may not see, or what isn't understood, may be there: then the
 * gaps aren't known to be all.
 * @throws the errors of a passing fault, which a later look doesn't meet
 */
export async function unsaidGaps(client: ApiClient, guest: Guest, node: string, storage: string): Promise<UnsaidGaps> {
  const about = client.about('look for what the backup left out', { node, guest: guest.id })
  const base = apiPath`/nodes/${node}/lxc/${guest.id}`
  const unknown: string[] = []
  async function look<Data>(path: string, schema: z.ZodType<Data>, gapsOf: (data: Data) => Gap[]): Promise<Gap[]> {
    try {
      // By the schema only here: an answer of another shape is no passing fault, and must not fail a good backup.
      const { data } = await client.get(path, z.unknown(), about)
      const parsed = schema.safeParse(data)
      if (parsed.success) return gapsOf(parsed.data)
      unknown.push(`Site ${about.site}, node ${node}, guest ${guest.id}: the answer to ${path} isn't understood.`)
    } catch (error) {
      if (!(error instanceof GuestliftError) || error.group === 'retry') throw error
      unknown.push(error.message)
    }
    return []
  }
  const gaps = [
    ...(await look(`${base}/snapshot`, snapshotRowsSchema, (rows) =>
      rows.some(({ name }) => name !== 'current') ? [SNAPSHOTS] : [],
    )),
    ...(await look(`${base}/pending`, pendingRowsSchema, (rows) =>
      rows.some((row) => row.pending !== undefined || row.delete !== undefined) ? [PENDING_CHANGES] : [],
    )),
    ...(await look(apiPath`/nodes/${node}/vzdump/defaults` + apiQuery({ storage }), defaultsSchema, (defaults) => {
      const paths = defaults['exclude-path']
      return paths.length === 0 ? [] : [excludedFiles(paths)]
    })),
  ]
  return { gaps, ...(unknown[0] === undefined ? {} : { mayLack: unknown[0] }) }
}
