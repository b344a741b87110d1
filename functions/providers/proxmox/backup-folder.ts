import * as z from 'zod'
import type { ApiClient } from './client.ts'
import { rows } from './schemas.ts'

/**
 * GET /storage: the configuration of each storage that the account may look at. `path` is written into it when a storage
 * is made, also where it follows from the name (`/mnt/pve/<id>`).
 */
const storageConfigRowsSchema = rows(
  z.object({
    storage: z.string().min(1),
    type: z.string().default(''),
    path: z.string().startsWith('/').optional(),
    'content-dirs': z.string().default(''),
  }),
)

/** Where the storage's archives lie on a node: in `dump` below its path, unless `content-dirs` says otherwise. */
export async function backupFolder(client: ApiClient, storage: string): Promise<string | undefined> {
  const about = client.about('look for the folder of the backups', { storage })
  const { data } = await client.get('/storage', storageConfigRowsSchema, about)
  const found = data.find((row) => row.storage === storage)
  if (found?.path === undefined || found.type === 'pbs') return undefined
  const moved = /(?:^|,)backup=([^,]+)/.exec(found['content-dirs'])?.[1]
  return `${found.path.replace(/\/+$/, '')}/${(moved ?? 'dump').replace(/^\/+/, '')}`
}
