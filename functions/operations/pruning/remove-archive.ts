import { sentence } from '../../domain/words/sentence.ts'
import type { VersionLock } from '../../aws/version-store.ts'
import { ArchiveConflict } from '../../contracts/errors.ts'
import type { RemovalRecord } from '../../contracts/retention-report.ts'
import {
  guestFolder,
  isWrittenByReading,
  type KeyedGuest,
  manifestKey,
  removalRecordKey,
  removalRecordsPrefix,
} from '../../domain/books/object-keys.ts'
import { newerAdvice } from '../../domain/books/stored-record.ts'
import { removalShape } from '../books/shapes.ts'
import { recordIn, writeRecord } from '../books/stored-json.ts'
import { readTextUnlessFrozen } from '../books/frozen-text.ts'
import type { VersionedArchive } from './guest-archives.ts'
import type { RetentionPorts } from './retention-ports.ts'

type Needs = Pick<RetentionPorts, 'store' | 'versions' | 'keyPrefix' | 'now' | 'log'>

/** What holds an archive as a whole: the last date of all its versions' locks. `undefined`: nothing does. */
export async function archiveLock(
  { versions }: Pick<VersionedArchive, 'versions'>,
  { versions: store }: Pick<Needs, 'versions'>,
): Promise<VersionLock | undefined> {
  const objects = versions.filter(({ deleteMarker }) => !deleteMarker)
  const found = await Promise.all(objects.map(({ key, versionId }) => store.lockOf(key, versionId)))
  return longest(found.filter((lock) => lock !== undefined))
}

function longest(locks: readonly VersionLock[]): VersionLock | undefined {
  if (locks.length === 0) return undefined
  const retainUntil = locks
    .flatMap((lock) => lock.retainUntil ?? [])
    .sort()
    .at(-1)
  return {
    legalHold: locks.some(({ legalHold }) => legalHold),
    ...(retainUntil === undefined ? {} : { retainUntil }),
  }
}

/**
 * Remove an archive for good. What goes is written down first, and the manifest goes before all else: from then on
 * nothing takes what is left for an archive, and `resumeRemovals` brings a removal that was cut short to its end.
 * Returns the lock that stopped it, if one came in between.
 */
export async function removeArchive(
  site: string,
  guest: KeyedGuest,
  archive: Pick<VersionedArchive, 'folder' | 'versions'>,
  reason: string,
  ports: Needs,
): Promise<VersionLock | undefined> {
  const record: RemovalRecord = {
    version: 1,
    folder: archive.folder,
    reason,
    decidedAt: ports.now().toISOString(),
    versions: archive.versions.map(({ key, versionId, etag }) => ({
      key,
      versionId,
      // What a verification wrote goes with the archive, whatever the last one found.
      ...(etag === undefined || isWrittenByReading(archive.folder, key) ? {} : { etag }),
    })),
  }
  const key = removalRecordKey(ports.keyPrefix, site, guest, archive.folder)
  // Without a condition: a record that lies there was never begun, or is of a pruning whose lease has lapsed. As the
  // manifest was seen, this one names all that the other still has to remove, and ends it.
  const etag = (await writeRecord(ports.store, key, removalShape, record)) ?? ''
  return carryOut({ key, etag }, record, ports)
}

/** @throws ArchiveConflict when one of its files is another than was judged: that one was left */
async function carryOut(
  kept: { key: string; etag: string },
  record: RemovalRecord,
  ports: Needs,
): Promise<VersionLock | undefined> {
  const locks: VersionLock[] = []
  const changed: string[] = []
  for (const { etag, ...version } of record.versions) {
    const removal = await ports.versions.removeVersion({ ...version, ...(etag === undefined ? {} : { etag }) })
    if (removal.outcome === 'removed') continue
    if (removal.outcome === 'locked') locks.push(removal.lock)
    else changed.push(version.key)
    // With its manifest there the archive stays one, and must stay whole.
    if (version.key === manifestKey(record.folder)) break
  }
  if (changed.length > 0) {
    throw new ArchiveConflict(
      `s3://${ports.store.bucket}/${changed.join(', ')} was overwritten since it was judged, and was left. ` +
        `Look at it and remove it or move it away; ${kept.key} records what was to go`,
    )
  }
  const lock = longest(locks) ?? (await removeLateVerdicts(record.folder, ports))
  // The record stays while something of the archive does and it isn't an archive any more. One that was written since is
  // of another pruning, which ends it itself.
  if (lock === undefined) await ports.store.remove(kept.key, { etag: kept.etag })
  ports.log('archive-removed', { folder: record.folder, versions: record.versions.length, locked: locks.length })
  return lock
}

/** Anyone who read the archive meanwhile may have written what it found and where: nobody needs that any more. */
async function removeLateVerdicts(folder: string, { versions }: Needs): Promise<VersionLock | undefined> {
  const locks: VersionLock[] = []
  for await (const { key, versionId } of versions.listVersions(folder)) {
    const removal = isWrittenByReading(folder, key) ? await versions.removeVersion({ key, versionId }) : undefined
    if (removal?.outcome === 'locked') locks.push(removal.lock)
  }
  return longest(locks)
}

/**
 * Nothing but what a verification wrote was ever left of an archive: it was removed while it was read. A folder that
 * holds anything else, or ever did and still has a version of it, isn't such a rest.
 */
export function isVerdictAlone({ folder, stored }: Pick<VersionedArchive, 'folder' | 'stored'>): boolean {
  return stored.length > 0 && stored.every(({ key }) => isWrittenByReading(folder, key))
}

export interface Resumed {
  /** Folders whose removal is at its end now; in a dry run, would be. */
  folders: string[]
  warnings: string[]
  /** Records of removals that were there. */
  records: number
}

/** Remove what is left of archives that were removed while they were read. Returns their folders. */
export async function removeVerdictsAlone(
  archives: readonly VersionedArchive[],
  dryRun: boolean,
  ports: Needs,
): Promise<Pick<Resumed, 'folders' | 'warnings'>> {
  const rests: Pick<Resumed, 'folders' | 'warnings'> = { folders: [], warnings: [] }
  for (const { folder } of archives.filter(isVerdictAlone)) {
    const lock = dryRun ? undefined : await removeLateVerdicts(folder, ports)
    if (lock === undefined) rests.folders.push(folder)
    else rests.warnings.push(`What is left of ${folder} is locked${untilText(lock)}; it goes after that.`)
  }
  return rests
}

/** Bring removals to their end that were begun and cut short. One that hasn't touched its manifest is decided anew. */
export async function resumeRemovals(site: string, guest: KeyedGuest, dryRun: boolean, ports: Needs): Promise<Resumed> {
  const resumed: Resumed = { folders: [], warnings: [], records: 0 }
  for (const key of await ports.store.listKeys(removalRecordsPrefix(ports.keyPrefix, site, guest))) {
    resumed.records += 1
    const found = await readTextUnlessFrozen(ports.store, key)
    if (found !== undefined && 'frozen' in found) {
      resumed.warnings.push(`A removal that was cut short goes on later: ${found.frozen}`)
      continue
    }
    // Its own pruning has ended it meanwhile.
    if (found === undefined) continue
    const read = recordIn(removalShape, found.text)
    if ('newerVersion' in read) {
      resumed.warnings.push(`s3://${ports.store.bucket}/${key} was left alone. ${newerAdvice(read)}`)
      continue
    }
    const record = 'value' in read ? read.value : undefined
    // Someone who can write records must not be able to point them at other archives.
    const ownFolder =
      record !== undefined &&
      record.folder.startsWith(guestFolder(ports.keyPrefix, site, guest)) &&
      removalRecordKey(ports.keyPrefix, site, guest, record.folder) === key
    if (!ownFolder || record.versions.some((version) => !version.key.startsWith(record.folder))) {
      resumed.warnings.push(`s3://${ports.store.bucket}/${key} isn't a record of a removal and was left alone.`)
      continue
    }
    if ((await ports.store.head(manifestKey(record.folder))) !== undefined) {
      if (!dryRun) await ports.store.remove(key, { etag: found.etag })
      continue
    }
    const end = dryRun ? undefined : await carryOut({ key, etag: found.etag }, record, ports).catch(asWarning)
    if (end === undefined) resumed.folders.push(record.folder)
    else if ('warning' in end) resumed.warnings.push(end.warning)
    else resumed.warnings.push(`What is left of ${record.folder} is locked${untilText(end)}; it goes after that.`)
  }
  return resumed
}

/** What was written in the place of a removed file is another's, and stops no other removal. */
function asWarning(error: unknown): { warning: string } {
  if (error instanceof ArchiveConflict) return { warning: sentence(error.message) }
  throw error
}

/** ` until 2027-01-04`, ` by a legal hold`, or both. */
export function untilText({ legalHold, retainUntil }: VersionLock): string {
  const until = retainUntil === undefined ? '' : ` until ${retainUntil.slice(0, 10)}`
  return `${until}${legalHold ? `${until === '' ? '' : ' and'} by a legal hold` : ''}`
}
