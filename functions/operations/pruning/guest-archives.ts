import type { StoredVersion } from '../../aws/version-store.ts'
import { figuresOf } from '../../domain/catalogue/archive-figures.ts'
import { olderFirst } from '../../domain/time/archive-time.ts'
import { type ArchiveFiles, entryOf, readFolder } from '../../domain/catalogue/catalogue.ts'
import {
  contentIndexKey,
  guestFolder,
  type KeyedGuest,
  manifestKey,
  verificationKey,
} from '../../domain/books/object-keys.ts'
import type { GuardedArchive } from '../../domain/retention/retention-guards.ts'
import { readTextUnlessFrozen } from '../books/frozen-text.ts'
import { archiveTexts } from '../catalogue/archive-texts.ts'
import { type FoundIndex, indexed, readIndex } from '../catalogue/catalogue-index.ts'
import type { RetentionPorts } from './retention-ports.ts'

/** An archive with all that lies in its folder. */
export interface VersionedArchive extends GuardedArchive {
  /** What removing it takes, in order: first the manifest, the current version last of it, so that no half is an archive. */
  versions: StoredVersion[]
  /** All versions in its folder, whatever is known of them: what is billed. */
  stored: StoredVersion[]
  /** Keys in its folder that its manifest doesn't name. */
  foreignKeys: string[]
}

/**
 * What the archives are judged by. `manifests`: by what lies in the bucket alone. `index`: the index's word is taken for
 * each manifest and verification that has the same ETag still. Nothing may go by that: an index is a copy, and may lie.
 */
export type JudgedBy = 'index' | 'manifests'

/** Classes whose objects can be read at any time. Of any other, only reading tells whether it can be read now. */
const readableClasses: ReadonlySet<string> = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'GLACIER_IR',
])

const READ_AT_ONCE = 8

/** All archives that lie under a guest's id in the bucket, oldest first by trusted time, trustworthy or not. */
export async function readGuestArchives(
  site: string,
  guest: KeyedGuest,
  by: JudgedBy,
  ports: Pick<RetentionPorts, 'store' | 'versions' | 'keyPrefix'>,
): Promise<VersionedArchive[]> {
  const folders = new Map<string, StoredVersion[]>()
  for await (const version of ports.versions.listVersions(guestFolder(ports.keyPrefix, site, guest))) {
    const found = readFolder(ports.keyPrefix, version.key)
    if (found === undefined) continue
    folders.set(found.folder, [...(folders.get(found.folder) ?? []), version])
  }
  if (folders.size === 0) return []
  const index = by === 'index' ? await readIndex(site, guest, ports) : undefined
  const waiting = [...folders.values()].reverse()
  const archives: VersionedArchive[] = []
  const readSome = async () => {
    for (let versions = waiting.pop(); versions !== undefined; versions = waiting.pop()) {
      const archive = await readArchive(versions, index, ports)
      if (archive !== undefined) archives.push(archive)
    }
  }
  await Promise.all(Array.from({ length: READ_AT_ONCE }, readSome))
  return archives.sort((a, b) => olderFirst(a, b) || (a.folder < b.folder ? -1 : 1))
}

async function readArchive(
  versions: StoredVersion[],
  index: FoundIndex | undefined,
  { store, keyPrefix }: Pick<RetentionPorts, 'store' | 'keyPrefix'>,
): Promise<VersionedArchive | undefined> {
  const place = readFolder(keyPrefix, versions[0]?.key ?? '')
  if (place === undefined) return undefined
  const current = versions.filter(({ latest, deleteMarker }) => latest && !deleteMarker)
  const files: ArchiveFiles = {
    ...place,
    files: current.map(({ key, sizeBytes, etag = '' }) => ({ key, sizeBytes, etag })),
  }
  const ownKeys = [manifestKey(place.folder), verificationKey(place.folder)]
  // A text that can't be read now says nothing for an archive, whatever it said to the index once.
  const readable = current.every(({ key, storageClass }) => !ownKeys.includes(key) || readableClasses.has(storageClass))
  const known = index === undefined || !readable ? undefined : indexed(place, index)
  const { manifest, verification } = await archiveTexts(files, known, (key) => readTextUnlessFrozen(store, key))
  const checked = verification?.facts
  const entry = entryOf(files, manifest?.facts, checked)
  const { artifacts = [], sideFiles = [] } = entry.facts ?? {}
  const ofArtifacts = artifacts.flatMap(({ key }) => [contentIndexKey(key), key])
  const keys = [...ownKeys, ...ofArtifacts, ...sideFiles]
  const strays = keys.filter((key) => !key.startsWith(place.folder))

  const frozen = manifest?.frozen ?? verification?.frozen
  const problem =
    // A verification that can't be read now may be the last good one, or have failed.
    frozen ??
    entry.reason ??
    (entry.facts?.sideFiles === undefined ? "The manifest doesn't name its files." : undefined) ??
    (strays.length > 0 ? `The manifest names files outside of its folder: ${strays.join(', ')}.` : undefined) ??
    (checked?.state === 'failed' ? `Its verification failed: ${checked.reason ?? 'see verification.json'}.` : undefined)
  // An unreadable manifest is as suspicious as an odd size; a missing one is only an archive that was never finished, and
  // one in Glacier was put there.
  const unreadable = entry.state === 'unreadable' ? 'unknown' : undefined
  const compress = frozen !== undefined ? undefined : (entry.facts?.compress ?? unreadable)
  return {
    folder: place.folder,
    createdAt: entry.createdAt,
    at: entry.at ?? noLaterThan(current, entry.createdAt),
    ...(entry.facts === undefined ? {} : { facts: entry.facts }),
    protected: entry.facts?.protected === true,
    verified: checked?.state === 'verified',
    ...(entry.facts?.verdict.unmet === undefined ? {} : { lesser: true as const }),
    ...figuresOf(entry.artifactBytes, entry.facts, checked),
    ...(compress === undefined ? {} : { compress }),
    ...(problem === undefined ? {} : { problem }),
    stored: versions,
    versions: problem === undefined ? inOrderOfRemoval(keys, versions) : [],
    foreignKeys: [...new Set(versions.map(({ key }) => key))].filter((key) => !keys.includes(key)),
  }
}

/** Where no manifest tells, what the folder is called; but nothing was made after S3 got the last of it. */
function noLaterThan(current: readonly StoredVersion[], keyedAt: string): string {
  const last = Math.max(...current.map(({ writtenAt }) => Date.parse(writtenAt)))
  // Of a folder in which all is hidden, S3 tells no time.
  return Number.isFinite(last) && last < Date.parse(keyedAt) ? new Date(last).toISOString() : keyedAt
}

function inOrderOfRemoval(keys: readonly string[], versions: readonly StoredVersion[]): StoredVersion[] {
  return [...new Set(keys)].flatMap((key) => {
    const its = versions.filter((version) => version.key === key)
    // Were the current one to go first, the one before it would be current, and read.
    return [...its.filter(({ latest }) => !latest), ...its.filter(({ latest }) => latest)]
  })
}
