import type { SiteFileLocation } from '../../contracts/nouns.ts'
import { apiPath } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { NoSuchVolume } from './errors.ts'
import { parseVolid } from './identifiers.ts'
import { volumeSchema } from './schemas.ts'

/** Where an archive lies on its node as a file; `undefined` when it is gone. */
export async function locateArchive(
  client: ApiClient,
  volid: string,
  node: string,
): Promise<SiteFileLocation | undefined> {
  const { storage, volume } = parseVolid(volid) ?? {}
  if (storage === undefined || volume === undefined) return undefined
  const about = client.about('look where the archive lies', { node, storage })
  try {
    const path = apiPath`/nodes/${node}/storage/${storage}/content/${volid}`
    const { data } = await client.get(path, volumeSchema, about)
    return { node, path: data.path, storage, volume }
  } catch (error) {
    if (error instanceof NoSuchVolume) return undefined
    throw error
  }
}
