import { AUTO_STORAGE, type BackupOptions } from '../../contracts/backup-options.ts'
import { GuestliftError, StorageUnusable } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { DumpTurn, Space } from '../../domain/backup/dump-queue.ts'
import { expectSize } from '../../domain/backup/expected-size.ts'
import type { Seen } from '../../domain/backup/progress.ts'
import { chooseStorage } from '../../domain/backup/storage-choice.ts'
import type { PlatformArchive } from '../../providers/capabilities/archives-on-platform.ts'
import type { Provider } from '../../providers/provider.ts'
import type { StorageRecord } from '../../providers/capabilities/storages.ts'
import { placeKey } from '../../domain/backup/storage-place.ts'

/** A storage for a guest's archive. `reason` is there when it was chosen and not named. */
export interface ArchiveStorage {
  storage: string
  record?: StorageRecord
  reason?: string
}

/**
 * The storage that the job names, or the one with most room on the guest's node.
 * @throws StorageUnusable when there is nothing to choose from
 */
export async function storageFor(
  site: string,
  node: string,
  options: BackupOptions,
  promisedBytes: (place: string) => number,
  provider: Provider,
): Promise<ArchiveStorage> {
  const { storages } = provider
  if (storages === undefined) return { storage: options.storage }
  if (options.storage !== AUTO_STORAGE) {
    const record = await storages.describe(options.storage, node)
    return record === undefined ? { storage: options.storage } : { storage: options.storage, record }
  }
  const usable = await storages.forBackups(node, options)
  const choice = chooseStorage(
    usable.map((record) => ({ ...record, record, promisedBytes: promisedBytes(placeKey(record)) })),
  )
  if (choice.chosen === undefined) {
    throw new StorageUnusable(
      [
        `Site ${site}, node ${node}: no storage keeps backups as files that this account may write ` +
          `(${storages.privileges}). Allow backups on one, grant the account more, or name a storage in the job.`,
        ...choice.notes,
      ].join(' '),
    )
  }
  const { record } = choice.chosen
  return { storage: record.storage, record, reason: choice.reason }
}

/**
 * Where the archive would land, how much room is there, and how large it is likely to be. `unknown` when the storage's
 * state can't be seen: then the platform itself has to say.
 */
export async function spaceOn(
  { storage, record }: ArchiveStorage,
  guest: Guest,
  { compress }: BackupOptions,
  provider: Provider,
): Promise<Space | 'unknown'> {
  if (record === undefined || !record.active) return 'unknown'
  const last = await known(() => lastArchive(storage, guest, provider))
  const details = last === undefined ? await known(() => provider.describeGuest(guest)) : undefined
  const expected = expectSize({ onStorage: last, inBucket: undefined, disks: details?.disks ?? [] })
  return {
    place: placeKey(record),
    freeBytes: record.freeBytes,
    bytes: expected?.sizeBytes ?? 0,
    likely: last !== undefined && isLike(last, compress),
  }
}

async function lastArchive(storage: string, guest: Guest, provider: Provider): Promise<PlatformArchive | undefined> {
  const listed = await provider.archivesOnPlatform?.list({ storage, node: guest.node, guestId: guest.id })
  return listed?.archives.find(
    ({ guestId, guestKind }) => guestId === guest.id && (guestKind ?? guest.kind) === guest.kind,
  )
}

/** An archive that was compressed otherwise says little about the size of the next. */
function isLike({ format }: PlatformArchive, compress: BackupOptions['compress']): boolean {
  const ending = /\.(zst|gz|lzo)$/.exec(format)?.[1] ?? (format.endsWith('tgz') ? 'gz' : 'none')
  return ending === { zstd: 'zst', gzip: 'gz', lzo: 'lzo', none: 'none' }[compress]
}

/** An estimate is a nicety: what can't be read mustn't keep a guest from its backup. */
async function known<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof GuestliftError) || error.group === 'fail-run') throw error
    return undefined
  }
}

/** How much of an archive is written, read from how the storage filled since its dump began. Others may write there too. */
export async function writtenSoFar(
  { node, bytes, likely, freeBytes }: DumpTurn,
  storage: string,
  provider: Provider,
): Promise<Seen> {
  if (freeBytes === undefined) return {}
  const record = await known(async () => provider.storages?.describe(storage, node))
  if (record === undefined || !record.active) return {}
  const doneBytes = Math.max(0, freeBytes - record.freeBytes)
  return { doneBytes, ...(likely === true && bytes > 0 ? { totalBytes: bytes } : {}), estimated: true }
}
