import { AUTO_STORAGE, type BackupOptions } from '../../contracts/backup-options.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { chooseStorage, ofUnknownType } from '../../domain/backup/storage-choice.ts'
import { complaintAbout, placeKey } from '../../domain/backup/storage-place.ts'
import { sentences } from '../../domain/words/sentence.ts'
import type { Provider } from '../../providers/provider.ts'
import type { StorageRecord, Storages } from '../../providers/capabilities/storages.ts'

/** What keeps a guest from being archived. */
export interface Obstacle {
  fate: 'skip' | 'fail'
  /** A sentence. */
  reason: string
}

/** Where backups of a node's guests would go. */
export interface Place {
  storage: StorageRecord | undefined
  obstacle: Obstacle | undefined
  /** What may be wrong with it, a sentence each. */
  notes: string[]
}

/** The storage that backups of a node's guests would go to, as the node sees it, and what keeps them from going there. */
export async function forecastPlace(
  site: string,
  backup: BackupOptions,
  node: string,
  { storages }: Pick<Provider, 'storages'>,
): Promise<Place> {
  if (storages === undefined) return { storage: undefined, obstacle: undefined, notes: [] }
  const isAuto = backup.storage === AUTO_STORAGE
  const at = `Site ${site}, node ${node}`
  try {
    const { storage, notes } = isAuto ? await auto(backup, node, storages) : await named(backup.storage, node, storages)
    const complaint = isAuto && storage === undefined ? noneForAuto : complaintAbout(storage)
    const told = notes.map((note) => `${at}: ${note}`)
    if (complaint === undefined) return { storage, obstacle: undefined, notes: told }
    const reason = sentences([`${at}: storage ${backup.storage} ${complaint}`, ...notes])
    return { storage, obstacle: { fate: 'fail', reason }, notes: told }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return { storage: undefined, obstacle: { fate: 'fail', reason: error.message }, notes: [] }
  }
}

async function auto(backup: BackupOptions, node: string, storages: Storages) {
  const usable = await storages.forBackups(node, backup)
  const { chosen, notes } = chooseStorage(usable.map((record) => ({ ...record, record, promisedBytes: 0 })))
  return { storage: chosen?.record, notes }
}

async function named(storage: string, node: string, storages: Storages) {
  const found = await storages.describe(storage, node)
  const isUnknown = found?.takesBackups === true && found.backupsAreFiles === undefined
  return { storage: found, notes: isUnknown ? [`storage ${storage}: ${ofUnknownType(found)}`] : [] }
}

const noneForAuto =
  'finds none with backups as files on which this account may put one. Allow backups on one, or grant rights on it.'

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
