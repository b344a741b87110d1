import * as z from 'zod'
import type { StorageRecord } from '../provider.ts'
import { apiPath } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { count, flag, rows } from './schemas.ts'

/** GET /nodes/{n}/storage. A storage that couldn't be activated has `active` 0 and no bytes at all; the answer is 200. */
export const storageStateRowsSchema = rows(
  z.object({
    storage: z.string().min(1),
    type: z.string().default(''),
    content: z.string().default(''),
    enabled: flag,
    active: flag,
    shared: flag,
    total: count.default(0),
    avail: count.default(0),
  }),
)

/** Asked for the whole list, since a storage that the account may not see and one that isn't there are the same then. */
export async function describeStorage(
  client: ApiClient,
  storage: string,
  node: string,
): Promise<StorageRecord | undefined> {
  const about = client.about('look at the storage', { node, storage })
  const { data } = await client.get(apiPath`/nodes/${node}/storage`, storageStateRowsSchema, about)
  const row = data.find((one) => one.storage === storage)
  if (row === undefined) return undefined
  const content = row.content.split(',').filter((word) => word !== '')
  return {
    storage,
    node,
    type: row.type,
    content: content.toSorted(),
    takesBackups: content.includes('backup'),
    enabled: row.enabled,
    active: row.active,
    shared: row.shared,
    totalBytes: row.total,
    freeBytes: row.avail,
  }
}
