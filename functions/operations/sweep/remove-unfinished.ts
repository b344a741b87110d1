import type { StoredVersion, VersionStore } from '../../aws/version-store.ts'
import { ArchiveConflict } from '../../contracts/errors.ts'
import { manifestKey, uploadRecordKey } from '../../domain/books/object-keys.ts'
import { type FoundUnfinished, findUnfinished, type UnfinishedPorts } from './find-unfinished.ts'
import { untilText } from '../pruning/remove-archive.ts'
import { removeUploadRecord } from '../books/upload-record.ts'

export type RemovePorts = UnfinishedPorts & { versions: VersionStore }

/**
 * Remove for good what lies in a folder without a manifest, and the records of its uploads. A person named this very
 * folder: it may be the only copy of something, whatever can be proved of it.
 * @param dryRun check everything and remove nothing
 * @throws ArchiveConflict when it isn't for anybody to remove now: nothing went then
 */
export async function removeUnfinished(
  { archive: { folder, site, guest } }: FoundUnfinished,
  dryRun: boolean,
  ports: RemovePorts,
): Promise<void> {
  const refuse = (why: string) => new ArchiveConflict(`${folder} was not removed: ${why}`)
  const versions: StoredVersion[] = []
  for await (const version of ports.versions.listVersions(folder)) versions.push(version)
  const records = new Map<string, { etag: string }>()
  for (const key of new Set(versions.map((version) => version.key))) {
    const record = await ports.store.head(uploadRecordKey(ports.keyPrefix, key))
    if (record !== undefined) records.set(key, record)
  }
  // Read anew, as near to the removal as can be: a run may have taken the guest up, or finished it, meanwhile.
  const now = await lookAgain(folder, site, guest.id, ports)
  if (now === undefined) throw refuse('it has a manifest now, or it is gone.')
  const { state, reason } = now.archive
  if (state !== 'unproven' && state !== 'adoptable') throw refuse(reason)
  if (versions.some(({ key, deleteMarker }) => key === manifestKey(folder) && !deleteMarker)) {
    throw refuse('an older version of its manifest is there, so it was a whole archive. Restore that version.')
  }
  for (const { key, versionId, deleteMarker } of versions) {
    const lock = deleteMarker ? undefined : await ports.versions.lockOf(key, versionId)
    if (lock !== undefined) throw refuse(`it is locked${untilText(lock)}.`)
  }
  if (dryRun) return
  for (const version of versions) {
    const removal = await ports.versions.removeVersion(version)
    if (removal.outcome === 'locked') throw refuse(`a part of it is locked${untilText(removal.lock)}.`)
    if (removal.outcome === 'changed') throw refuse(`${version.key} was overwritten in this moment. Look at it again.`)
  }
  // One that was written since is of a run that archives the guest anew.
  for (const [key, record] of records) await removeUploadRecord(ports, key, record)
}

async function lookAgain(folder: string, site: string, guestId: string, ports: UnfinishedPorts) {
  for await (const found of findUnfinished({ site, guestId }, ports)) {
    if (found.archive.folder === folder) return found
  }
  return undefined
}
