import { ArchiveConflict, GuestReplaced, InternalFault } from '../../contracts/errors.ts'
import { type Manifest, manifestSchema } from '../../contracts/manifest.ts'
import type { DatedLock, ShownLock } from '../../contracts/object-lock.ts'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import {
  type GuestIdentity,
  siteFileLocationSchema,
  type SourceLocation,
  type StoredArtifact,
} from '../../contracts/nouns.ts'
import type { SideFile } from '../../contracts/side-file.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { EmbeddedConfiguration } from '../../contracts/verification.ts'
import { crc32FromBase64 } from '../../domain/transfer/crc32.ts'
import { pathOf } from '../../domain/transfer/source-path.ts'
import { guestCounts } from '../../domain/transfer/copy-work.ts'
import { pairSources, type StoredSource } from '../../domain/transfer/stored-sources.ts'
import { listPrices } from '../../domain/prices/list-prices.ts'
import { archiveFolder, artifactKey, manifestKey } from '../../domain/books/object-keys.ts'
import { datedLock } from '../../domain/transfer/object-lock.ts'
import { identityIn } from '../../domain/identity/embedded-identity.ts'
import { sameGuest } from '../../domain/identity/guest-identity.ts'
import { guestReceipt } from '../../domain/prices/receipt.ts'
import { readLocks } from './archive-locks.ts'
import { asConflict } from './already-stored.ts'
import { writePin } from '../books/pins.ts'
import { manifestShape } from '../books/shapes.ts'
import { readRecord, writeRecord } from '../books/stored-json.ts'
import { readKeptEvidence, sideFilesIn } from '../books/kept-evidence.ts'
import { lookInside } from './look-inside.ts'
import type { Ports } from '../ports.ts'
import { sampleContent } from './sample-content.ts'
import { readUploadRecord, removeUploadRecord } from '../books/upload-record.ts'
import { keepDiskPlan } from '../books/disk-plans.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'toolVersion'>

/**
 * Put the platform's log and notes beside the archive, then the manifest: the commit mark. Asked again, it finds its
 * own manifest and leaves it.
 * @throws LockMissing when a file lacks the lock that was asked for: then there is no manifest
 * @throws ArchiveConflict when a manifest of other content is there
 * @throws NotAnArchive when a restore would refuse a file from its first bytes on: then there is no manifest
 * @throws GuestReplaced when the archive is of another guest than the planned one: then there is none either
 */
export async function writeManifest(
  input: TaskInput<'WriteManifest'>,
  ports: Needs,
): Promise<TaskOutput<'WriteManifest'>> {
  const { item, artifacts, stored } = input
  const [first] = artifacts
  const kept = await readKeptEvidence(input.evidenceKey, ports)
  if (first === undefined || kept === undefined) {
    throw new InternalFault(`The evidence s3://${ports.store.bucket}/${input.evidenceKey} is gone. Repeat this guest.`)
  }
  const folder = archiveFolder(ports.keyPrefix, item.site, item.guest, first.createdAt)
  const locks = await readLocks(item, stored, ports)
  const lock = item.objectLock && datedLock(item.objectLock, ports.now())
  const looks = await Promise.all(stored.map((one) => lookInside(one, ports)))
  const configuration = looks.find((one) => one !== undefined)
  const identity = provenIdentity(item, configuration, ports)
  const contentSample = await sampleContent(stored, ports)
  const sideFiles = await writeSideFiles(folder, sideFilesIn(kept), lock, ports)
  for (const artifact of stored) sideFiles.push(...(await keepPlanOf(artifact, lock, ports)))
  const work = guestCounts(input)
  const bytesSent = stored.reduce((sum, artifact) => sum + artifact.bytesSent, 0)
  const manifest = manifestSchema.parse({
    version: 1,
    writtenBy: ports.toolVersion,
    writtenAt: ports.now().toISOString(),
    runId: item.run.id,
    site: item.site,
    platform: item.platform,
    platformVersion: item.platformVersion,
    guest: { ...item.guest, node: first.location.node, ...(identity === undefined ? {} : { identity }) },
    createdAt: first.createdAt,
    backup: withStorage(item.backup, first.location),
    ...(item.deleteSource ? { deleteSource: true } : {}),
    verdict: input.verdict,
    evidence: kept.evidence,
    artifacts: pairSources(artifacts, stored).map((source) => asWritten(source, locks)),
    ...(configuration === undefined ? {} : { configuration }),
    ...(contentSample === undefined ? {} : { contentSample }),
    sideFiles,
    ...(work === undefined
      ? {}
      : { receipt: guestReceipt({ bytesSent, artifacts: stored, work }, listPrices, item.storageClass) }),
  } satisfies Manifest)
  // Before the manifest: from then on a pruning might remove the archive.
  if (item.pin !== undefined) await writePin(folder, item.pin, ports)
  const key = manifestKey(folder)
  const written = await writeRecord(ports.store, key, manifestShape, manifest, {
    onlyIf: { absent: true },
    ...(lock === undefined ? {} : { lock }),
  })
  if (written === undefined) await requireSameArchive(key, manifest, ports)
  // The manifest is now what proves the objects; until here a repeated guest needs the upload records for that.
  for (const artifact of stored) await removeUploadRecord(ports, artifact.key)
  return { manifestKey: key }
}

/**
 * Who the archive says it is of, or else whom the platform said that it would dump. An archive of another guest gets no
 * manifest: its outcome and its name would claim that the planned guest is archived, and retention would count it so. Its
 * bytes stay where they are, on the platform and here.
 */
function provenIdentity(
  { site, guest }: PlanItem,
  configuration: EmbeddedConfiguration | undefined,
  { store }: Needs,
): GuestIdentity | undefined {
  const embedded = configuration === undefined ? undefined : identityIn(guest.kind, configuration.text)
  if (sameGuest(guest.identity, embedded) !== false) return embedded ?? guest.identity
  throw new GuestReplaced(
    `Site ${site}: the backup of guest ${guest.id} (${guest.name}) holds another guest's configuration ` +
      `(${embedded?.id ?? ''}, planned was ${guest.identity?.id ?? ''}): the id was given to another guest in the meantime. ` +
      `Its bytes lie in s3://${store.bucket} without a manifest and don't count as an archive. Run again to archive the guest that has the id now.`,
  )
}

/** What an earlier call wrote stays: the bucket lets nobody overwrite what lies among the archives. */
async function writeSideFiles(
  folder: string,
  files: readonly SideFile[],
  lock: DatedLock | undefined,
  { store }: Needs,
): Promise<string[]> {
  const once = { onlyIf: { absent: true as const }, ...(lock === undefined ? {} : { lock }) }
  for (const file of files) {
    const [body, contentType] =
      'text' in file
        ? [file.text, 'text/plain; charset=utf-8']
        : [Buffer.from(file.base64, 'base64'), 'application/octet-stream']
    await store.writeText(artifactKey(folder, file.name), body, { contentType, ...once })
  }
  return files.map(({ name }) => artifactKey(folder, name))
}

/** Ranges, map and frames of an encoded disk. Nothing of others, nor once the manifest is there and the record gone. */
async function keepPlanOf(
  { key, content, checksum }: StoredArtifact,
  lock: DatedLock | undefined,
  ports: Needs,
): Promise<string[]> {
  if (content === undefined) return []
  const { planKey } = (await readUploadRecord(ports, key))?.record ?? {}
  const sum = crc32FromBase64(checksum.slice('CRC32:'.length))
  return planKey === undefined || sum === undefined ? [] : keepDiskPlan(ports, key, { planKey, sum, lock })
}

function asWritten(
  { artifact, stored }: StoredSource,
  locks: ReadonlyMap<string, ShownLock>,
): Manifest['artifacts'][number] {
  if (stored === undefined)
    throw new InternalFault(`${artifact.fileName} is not among what was stored. Repeat this guest.`)
  const { artifact: _copiedFrom, ...object } = stored
  const lock = locks.get(stored.key)
  const path = pathOf(artifact.location)
  return {
    ...object,
    // Said in full: what a manifest doesn't say can't be told from what an older version didn't know.
    proof: stored.proof ?? { level: 'full-object-crc' },
    ...(lock === undefined ? {} : { lock }),
    source: { ...stored.source, artifactRef: artifact.artifactRef, ...(path === undefined ? {} : { path }) },
  }
}

async function requireSameArchive(key: string, manifest: Manifest, { store }: Needs): Promise<void> {
  const there = await readRecord(store, key, manifestShape).catch(asConflict)
  const sums = (of: Manifest) => of.artifacts.map((artifact) => `${artifact.key} ${artifact.checksum}`).join()
  if (there !== undefined && sums(there) === sums(manifest)) return
  throw new ArchiveConflict(
    `s3://${store.bucket}/${key} is the manifest of another archive. It was left as it is; compare the two by hand.`,
  )
}

/** A job may leave the storage open: the manifest says which one it was. */
function withStorage(backup: BackupOptions, location: SourceLocation): BackupOptions {
  const file = siteFileLocationSchema.safeParse(location)
  return file.success ? { ...backup, storage: file.data.storage } : backup
}
