import { GuestliftError } from '../contracts/errors.ts'
import { formatBytes } from '../domain/byte-size.ts'
import type { Provider, StorageRecord } from '../providers/provider.ts'

/** What keeps a guest from being archived. */
export interface Obstacle {
  fate: 'skip' | 'fail'
  /** A sentence. */
  reason: string
}

/** The storage as a node sees it, and what keeps that node from putting backups there. */
export async function forecastPlace(
  site: string,
  storage: string,
  node: string,
  provider: Pick<Provider, 'describeStorage'>,
): Promise<{ storage: StorageRecord | undefined; obstacle: Obstacle | undefined }> {
  const at = `Site ${site}, node ${node}: storage ${storage}`
  try {
    const found = await provider.describeStorage(storage, node)
    const complaint = complaintAbout(found)
    return {
      storage: found,
      obstacle: complaint === undefined ? undefined : { fate: 'fail', reason: `${at} ${complaint}` },
    }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return { storage: undefined, obstacle: { fate: 'fail', reason: error.message } }
  }
}

function complaintAbout(storage: StorageRecord | undefined): string | undefined {
  if (storage === undefined) return "isn't there, or the account may not see it. Name one that the node has."
  if (!storage.enabled) return 'is disabled. Enable it, or name another.'
  if (!storage.takesBackups) {
    return `doesn't take backups, only ${storage.content.join(', ')}. Allow backups on it, or name another.`
  }
  if (!storage.active) return "can't be reached from the node. Bring it online."
  return undefined
}

/** The same for all nodes of a shared storage. */
export function placeKey({ storage, node, shared }: Pick<StorageRecord, 'storage' | 'node' | 'shared'>): string {
  return shared ? storage : `${storage} on ${node}`
}

/** A sentence for each storage that is likely to be too small. `expected`: bytes by `placeKey`. */
export function spaceNotes(
  storages: readonly StorageRecord[],
  expected: ReadonlyMap<string, number>,
  deleteSource: boolean,
): string[] {
  const free = new Map(storages.map((storage) => [placeKey(storage), storage.freeBytes]))
  return [...expected].flatMap(([place, bytes]) => {
    const freeBytes = free.get(place) ?? 0
    if (bytes <= freeBytes) return []
    const relief = deleteSource
      ? 'Archives leave it as they are moved, so it may do all the same.'
      : 'With deleteSource, archives leave it as they are moved.'
    return [
      `Storage ${place} has ${formatBytes(freeBytes)} free, and the archives may take ${formatBytes(bytes)}. ${relief}`,
    ]
  })
}
