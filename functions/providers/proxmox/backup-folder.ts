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
export function backupFolder(client: ApiClient, storage: string): Promise<string | undefined> {
  return contentFolder(client, storage, 'backup', 'dump')
}

/** Where a storage keeps one kind of content. @param usual below its path */
export async function contentFolder(
  client: ApiClient,
  storage: string,
  content: 'backup' | 'import',
  usual: string,
): Promise<string | undefined> {
  const about = client.about(`look for the folder of content ${content}`, { storage })
  const { data } = await client.get('/storage', storageConfigRowsSchema, about)
  const found = data.find((row) => row.storage === storage)
  if (found?.path === undefined || found.type === 'pbs') return undefined
  const moved = found['content-dirs'].split(',').find((one) => one.startsWith(`${content}=`))
  const folder = moved?.slice(content.length + 1) ?? usual
  return `${found.path.replace(/\/+$/, '')}/${folder.replace(/^\/+/, '')}`
}
