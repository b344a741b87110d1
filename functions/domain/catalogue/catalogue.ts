/** From a listing of the bucket and the texts of manifests to the catalogue's entries. Nothing that lies there is hidden. */
import type { ManifestFacts, VerificationFacts } from '../../contracts/catalogue.ts'
import { archiveTime } from '../time/archive-time.ts'
import { type KeyedGuest, manifestKey, readArtifactKey, verificationKey } from '../books/object-keys.ts'

/** An object as a listing shows it. `storageClass` is S3's word; absent for Standard. */
export interface ListedFile {
  key: string
  etag: string
  sizeBytes: number
  storageClass?: string
}

/** One archive's folder, as listed. */
export interface ArchiveFiles {
  /** Whole key of the folder, with a slash at its end. */
  folder: string
  site: string
  guest: KeyedGuest
  /** ISO instant, from the folder's name: whole seconds. */
  keyedAt: string
  files: ListedFile[]
}

/**
 * - `complete`: the manifest is there, and every file that it names is, in its size.
 * - `incomplete`: no manifest: the archive was never finished, or its manifest was removed.
 * - `unreadable`: there is a manifest, and it isn't one that can be read.
 * - `damaged`: the manifest names files that are gone, or have another size.
 */
export type ArchiveState = 'complete' | 'incomplete' | 'unreadable' | 'damaged'

/** One archive in the catalogue. */
export interface CatalogueEntry {
  folder: string
  site: string
  guest: KeyedGuest
  /** The archive's own time on the platform, part of its key: of the manifest, else of the folder's name. */
  createdAt: string
  /** When it was made, by a clock that can be trusted; what orders and ages it. Absent where no manifest tells. */
  at?: string
  state: ArchiveState
  /** What is wrong, a sentence; absent for complete ones. */
  reason?: string
  /** Of all files in the folder, as listed: what is paid for. */
  sizeBytes: number
  /** Of the artifacts alone: what compares from one archive to the next. */
  artifactBytes: number
  /** Worst for reading back first: the class of the largest file. */
  storageClass?: string
  facts?: ManifestFacts
  /** Absent: never verified beyond the copy's checksum. */
  verification?: VerificationFacts
}

const coldClasses: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE'])

/** Whether S3 gives nothing of it until somebody pays for its thawing, which takes hours. */
export function isCold({ storageClass }: Pick<CatalogueEntry, 'storageClass'>): boolean {
  return storageClass !== undefined && coldClasses.has(storageClass)
}

/** All archives that lie under one guest's id, oldest first by trusted time: of whichever guests have had it. */
export interface GuestArchives {
  site: string
  guest: KeyedGuest
  entries: CatalogueEntry[]
}

/** Where in the archives a key belongs, without its own file; `undefined` for what isn't shaped like ours. */
export function readFolder(keyPrefix: string, key: string): Omit<ArchiveFiles, 'files'> | undefined {
  const owner = readArtifactKey(keyPrefix, key)
  if (owner === undefined) return undefined
  const { folder } = owner
  const [date = '', time = ''] = (folder.split('/').at(-2) ?? '').split('T')
  const instant = new Date(`${date}T${time.replaceAll('-', ':')}`)
  // The shape alone lets the 31st of February pass.
  return Number.isNaN(instant.getTime()) ? undefined : { ...owner, keyedAt: instant.toISOString() }
}

export function manifestFile({ folder, files }: ArchiveFiles): ListedFile | undefined {
  return files.find(({ key }) => key === manifestKey(folder))
}

export function verificationFile({ folder, files }: ArchiveFiles): ListedFile | undefined {
  return files.find(({ key }) => key === verificationKey(folder))
}

/** An archive's entry from its files and what its manifest was found to say: facts, or why there are none. */
export function entryOf(
  archive: ArchiveFiles,
  manifest: ManifestFacts | { unreadable: string } | undefined,
  verification: VerificationFacts | undefined,
): CatalogueEntry {
  const { folder, site, guest, keyedAt, files } = archive
  const facts = manifest !== undefined && 'artifacts' in manifest ? manifest : undefined
  const largest = files.toSorted((one, other) => other.sizeBytes - one.sizeBytes)[0]
  const sizeBytes = sum(files)
  const { state, reason } = stateOf(archive, manifest)
  return {
    folder,
    site,
    guest,
    createdAt: facts?.createdAt ?? keyedAt,
    ...(facts === undefined ? {} : { at: archiveTime(facts) }),
    state,
    ...(reason === undefined ? {} : { reason }),
    sizeBytes,
    artifactBytes: facts === undefined ? sizeBytes : sum(facts.artifacts),
    ...(largest?.storageClass === undefined ? {} : { storageClass: largest.storageClass }),
    ...(facts === undefined ? {} : { facts }),
    ...(verification === undefined ? {} : { verification }),
  }
}

function stateOf(
  { folder, files }: ArchiveFiles,
  manifest: ManifestFacts | { unreadable: string } | undefined,
): { state: ArchiveState; reason?: string } {
  if (manifest === undefined)
    return { state: 'incomplete', reason: 'There is no manifest: it was never finished. See guestlift unfinished.' }
  if ('unreadable' in manifest) return { state: 'unreadable', reason: manifest.unreadable }
  const listed = new Map(files.map(({ key, sizeBytes }) => [key, sizeBytes]))
  const wrong = manifest.artifacts.flatMap(({ fileName, sizeBytes }) => {
    // By name, not by key: a bucket's copy may have another prefix.
    const there = listed.get(`${folder}${fileName}`)
    if (there === undefined) return [`${fileName} is gone`]
    return there === sizeBytes ? [] : [`${fileName} has ${there} bytes instead of ${sizeBytes}`]
  })
  return wrong.length === 0 ? { state: 'complete' } : { state: 'damaged', reason: `${wrong.join('; ')}.` }
}

function sum(files: readonly { sizeBytes: number }[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
}
