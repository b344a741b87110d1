import { manifestSchema } from '../contracts/manifest.ts'
import { guestFolder, type KeyedGuest, manifestKey } from '../domain/object-keys.ts'
import { readTextUnlessFrozen } from './frozen-text.ts'
import type { Ports } from './ports.ts'
import { parseJson } from '../domain/parse-json.ts'

export interface LastStored {
  /** ISO instant: the archive's own time on the platform. */
  createdAt: string
  sizeBytes: number
  compress: string
}

/** The newest archive of a guest that is in the bucket with its manifest; `undefined` when there is none that can be read. */
export async function lastStored(
  site: string,
  guest: KeyedGuest,
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
): Promise<LastStored | undefined> {
  const keys = await store.listKeys(guestFolder(keyPrefix, site, guest))
  const newest = keys
    .filter((key) => key.endsWith(manifestKey('/')))
    .toSorted()
    .at(-1)
  const found = newest === undefined ? undefined : await readTextUnlessFrozen(store, newest)
  const readable = found !== undefined && 'text' in found
  const { data } = manifestSchema.safeParse(readable ? parseJson(found.text) : undefined)
  if (data === undefined) return undefined
  const sizeBytes = data.artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0)
  return { createdAt: data.createdAt, sizeBytes, compress: data.evidence.used?.compress ?? data.backup.compress }
}
