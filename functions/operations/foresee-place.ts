import { AUTO_STORAGE, type BackupOptions } from '../contracts/backup-options.ts'
import { GuestliftError } from '../contracts/errors.ts'
import { formatBytes } from '../domain/byte-size.ts'
import type { Provider, StorageRecord } from '../providers/provider.ts'

/** What keeps a guest from being archived. */
export interface Obstacle {
  fate: 'skip' | 'fail'
  /** A sentence. */
  reason: string
}

/** The storage that backups of a node's guests would go to, as the node sees it, and what keeps them from going there. */
export async function forecastPlace(
  site: string,
  backup: BackupOptions,
  node: string,
  provider: Pick<Provider, 'describeStorage' | 'backupStorages'>,
): Promise<{ storage: StorageRecord | undefined; obstacle: Obstacle | undefined }> {
  const isAuto = backup.storage === AUTO_STORAGE
  const at = `Site ${site}, node ${node}: storage ${backup.storage}`
  try {
    const found = isAuto
      ? (await provider.backupStorages(node, backup)).toSorted(
          (one, other) => other.freeBytes - one.freeBytes || (one.storage < other.storage ? -1 : 1),
        )[0]
      : await provider.describeStorage(backup.storage, node)
    const complaint = isAuto && found === undefined ? noneForAuto : complaintAbout(found)
    return {
      storage: found,
      obstacle: complaint === undefined ? undefined : { fate: 'fail', reason: `${at} ${complaint}` },
    }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return { storage: undefined, obstacle: { fate: 'fail', reason: error.message } }
  }
}

const noneForAuto = 'finds none on which this account may put backups. Allow backups on one, or grant rights on it.'

/** What a storage has against backups, to follow its name; a storage that isn't shown has only that. */
export function complaintAbout(storage: StorageRecord | undefined): string | undefined {
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
