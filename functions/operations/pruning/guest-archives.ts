import * as z from 'zod'
import type { StoredVersion } from '../../aws/version-store.ts'
import { figuresOf } from '../../domain/catalogue/archive-figures.ts'
import { olderFirst } from '../../domain/time/archive-time.ts'
import { type ArchiveFiles, entryOf, readFolder } from '../../domain/catalogue/catalogue.ts'
import { readManifestFacts, readVerification } from '../../domain/catalogue/manifest-facts.ts'
import { guestFolder, type KeyedGuest, manifestKey } from '../../domain/books/object-keys.ts'
import type { GuardedArchive } from '../../domain/retention/retention-guards.ts'
import { recordIn } from '../books/stored-json.ts'
import { readTextUnlessFrozen } from '../books/frozen-text.ts'
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

/** What retention needs of a manifest beside the facts of the catalogue. */
const namedFilesShape = {
  schema: z.object({
    backup: z.object({ protected: z.boolean().optional() }),
    artifacts: z.array(z.object({ key: z.string() })),
    sideFiles: z.array(z.string()),
  }),
  version: 1,
}

const READ_AT_ONCE = 8

/** All archives that lie under a guest's id in the bucket, oldest first by trusted time, trustworthy or not. */
export async function readGuestArchives(
  site: string,
  guest: KeyedGuest,
  ports: Pick<RetentionPorts, 'store' | 'versions' | 'keyPrefix'>,
): Promise<VersionedArchive[]> {
  const folders = new Map<string, StoredVersion[]>()
  for await (const version of ports.versions.listVersions(guestFolder(ports.keyPrefix, site, guest))) {
    const found = readFolder(ports.keyPrefix, version.key)
    if (found === undefined) continue
    folders.set(found.folder, [...(folders.get(found.folder) ?? []), version])
  }
  const waiting = [...folders.values()].reverse()
  const archives: VersionedArchive[] = []
  const readSome = async () => {
    for (let versions = waiting.pop(); versions !== undefined; versions = waiting.pop()) {
      const archive = await readArchive(versions, ports)
      if (archive !== undefined) archives.push(archive)
    }
  }
  await Promise.all(Array.from({ length: READ_AT_ONCE }, readSome))
  return archives.sort((a, b) => olderFirst(a, b) || (a.folder < b.folder ? -1 : 1))
}

async function readArchive(
  versions: StoredVersion[],
  { store, keyPrefix }: Pick<RetentionPorts, 'store' | 'keyPrefix'>,
): Promise<VersionedArchive | undefined> {
  const place = readFolder(keyPrefix, versions[0]?.key ?? '')
  if (place === undefined) return undefined
  const current = versions.filter(({ latest, deleteMarker }) => latest && !deleteMarker)
  const files: ArchiveFiles = { ...place, files: current.map(({ key, sizeBytes }) => ({ key, sizeBytes, etag: '' })) }
  const there = new Set(current.map(({ key }) => key))
  const read = async (key: string) => (there.has(key) ? readTextUnlessFrozen(store, key) : undefined)

  const ownKey = manifestKey(place.folder)
  const verificationKey = `${place.folder}verification.json`
  const manifest = await read(ownKey)
  const verification = await read(verificationKey)
  const frozen = [manifest, verification].flatMap((one) => (one !== undefined && 'frozen' in one ? one.frozen : []))
  const text = manifest !== undefined && 'text' in manifest ? manifest.text : undefined
  const facts = text === undefined ? undefined : readManifestFacts(text, files)
  const checked = verification !== undefined && 'text' in verification ? readVerification(verification.text) : undefined
  const entry = entryOf(files, facts, checked)
  const listed = entry.facts === undefined || text === undefined ? undefined : recordIn(namedFilesShape, text)
  const named = listed !== undefined && 'value' in listed ? listed.value : undefined
  const keys = [ownKey, verificationKey, ...(named?.artifacts.map(({ key }) => key) ?? []), ...(named?.sideFiles ?? [])]
  const strays = keys.filter((key) => !key.startsWith(place.folder))

  const problem =
    // A verification that can't be read now may be the last good one, or have failed.
    frozen[0] ??
    entry.reason ??
    (named === undefined ? "The manifest doesn't name its files." : undefined) ??
    (strays.length > 0 ? `The manifest names files outside of its folder: ${strays.join(', ')}.` : undefined) ??
    (checked?.state === 'failed' ? `Its verification failed: ${checked.reason ?? 'see verification.json'}.` : undefined)
  // An unreadable manifest is as suspicious as an odd size; a missing one is only an archive that was never finished, and
  // one in Glacier was put there.
  const unreadable = entry.state === 'unreadable' ? 'unknown' : undefined
  const compress = frozen.length > 0 ? undefined : (entry.facts?.compress ?? unreadable)
  return {
    folder: place.folder,
    createdAt: entry.createdAt,
    at: entry.at ?? noLaterThan(current, entry.createdAt),
    ...(entry.facts === undefined ? {} : { facts: entry.facts }),
    protected: named?.backup.protected === true,
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
