import { guestFolder, type KeyedGuest, manifestKey } from '../domain/object-keys.ts'
import { readTextUnlessFrozen } from './frozen-text.ts'
import { manifestShape } from './books/shapes.ts'
import { recordIn } from './books/stored-json.ts'
import type { Ports } from './ports.ts'

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
  // One that can't be read tells no size; the room that it may need is then bounded by the guest's disks.
  const manifest = found !== undefined && 'text' in found ? recordIn(manifestShape, found.text) : undefined
  if (manifest === undefined || !('value' in manifest)) return undefined
  const data = manifest.value
  const sizeBytes = data.artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0)
  return { createdAt: data.createdAt, sizeBytes, compress: data.backup.compress }
}
