import { ArchiveConflict, ArchiveUnknown, RestoreRefused } from '../../contracts/errors.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { ArchivedDisk, RestoreRecord, RestoredArchive } from '../../contracts/restore-record.ts'
import { type RestoreRequest, restoreRequestSchema } from '../../contracts/restore-request.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { manifestKey, verificationKey } from '../../domain/books/object-keys.ts'
import { mostWrittenBytes, partsOf } from '../../domain/encoding/disk-plan.ts'
import { parseRequest } from '../../domain/selection/parse-request.ts'
import { crc32FromBase64 } from '../../domain/transfer/crc32.ts'
import { beginRestore } from '../books/restore-records.ts'
import { manifestShape, verificationShape } from '../books/shapes.ts'
import { readRecord } from '../books/stored-json.ts'
import { findArchive } from '../catalogue/find-archive.ts'
import type { Ports } from '../ports.ts'
import { readKeptDiskPlan } from './archived-disk.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'randomToken' | 'log'>
type Artifact = Manifest['artifacts'][number]
type ArchiveFile = Pick<RestoredArchive, 'key' | 'fileName' | 'etag' | 'sizeBytes' | 'crc32' | 'withoutCrc'>

/**
 * Find the archive that is meant, and write down which object of the bucket is restored as what. Changes nothing else.
 * @throws InvalidJob for a malformed request; ArchiveUnknown; RestoreRefused for an archive that its verification refused
 */
export async function planRestore(
  { restoreId, startedAt, request: written }: TaskInput<'PlanRestore'>,
  ports: Needs,
): Promise<TaskOutput<'PlanRestore'>> {
  const asked = parseRequest(restoreRequestSchema, written, 'request for a restore')
  // It may run beside the guest that was archived, and is started once it was unplugged.
  const request = asked.drill === undefined ? asked : { ...asked, unique: true, start: false }
  const restore = { id: restoreId, startedAt }
  const { entry, passedOver } = await findArchive(request.archive, { site: request.from, at: request.at }, ports)
  const refused = await refusedBy(entry.folder, ports)
  if (refused !== undefined && !request.despiteRefused) {
    throw new RestoreRefused(
      `${entry.folder} was read whole, and refused: ${refused} Restore an older archive, or this one all the same with despiteRefused.`,
    )
  }
  const archive = await archiveIn(entry.folder, ports)
  if (archive.disks !== undefined && request.drill !== undefined) {
    throw new RestoreRefused(
      `${entry.folder} holds disks of ${archive.platform}, and Guestlift rehearses no restores there yet. Restore it to an image, run that, and look.`,
    )
  }
  const record: RestoreRecord = {
    version: 1,
    restoreId,
    startedAt,
    request,
    archive,
    token: ports.randomToken(),
    target: targetOf(request, archive),
    generation: 0,
    findings: [],
    warnings: [
      ...passedOver.map(({ folder, reason = '' }) => `A newer archive was passed over: ${folder}. ${reason}`),
      ...(refused === undefined ? [] : [`The archive was restored although its verification refused it: ${refused}`]),
    ],
    bytesSent: 0,
    steps: {},
  }
  const begun = await beginRestore(restore, record, ports)
  ports.log('restore-planned', { restoreId, folder: begun.archive.folder, target: begun.target })
  return { restore, confirmed: request.confirm, drill: request.drill !== undefined }
}

function targetOf({ id, node }: RestoreRequest, { guest }: RestoredArchive): RestoreRecord['target'] {
  return { id: id ?? guest.id, node: node ?? guest.node }
}

/** What its last whole reading found, where that refused it: sentences. A verdict that can't be read is no acquittal. */
async function refusedBy(folder: string, { store }: Needs): Promise<string | undefined> {
  const verification = await readRecord(store, verificationKey(folder), verificationShape)
  if (verification?.result !== 'refused') return undefined
  return verification.findings.map(({ message }) => message).join(' ')
}

/** The objects, as they lie in the bucket now, and as their manifest says that they have to be. */
async function archiveIn(folder: string, ports: Needs): Promise<RestoredArchive> {
  const manifest = await readRecord(ports.store, manifestKey(folder), manifestShape)
  if (manifest === undefined) throw new ArchiveUnknown(`${folder} has no manifest any more: name another archive.`)
  const { site, platform, platformVersion, guest, createdAt } = manifest
  const about = { folder, site, platform, platformVersion, guest, createdAt }
  const { artifacts } = manifest
  const [first, ...others] = artifacts
  if (first !== undefined && artifacts.every(({ content }) => content !== undefined)) {
    const disks: ArchivedDisk[] = []
    for (const artifact of artifacts) disks.push(await diskIn(artifact, ports))
    return { ...about, ...(await fileIn(first, ports)), disks }
  }
  if (first !== undefined && others.length === 0) return { ...about, ...(await fileIn(first, ports)) }
  throw new RestoreRefused(
    `${folder} holds several files, and Guestlift restores backups of one file, or of disks alone. Restore it as RESTORE.md in the bucket shows.`,
  )
}

async function fileIn({ key, fileName, sizeBytes, checksum }: Artifact, { store }: Needs): Promise<ArchiveFile> {
  const object = await store.head(key)
  const where = `s3://${store.bucket}/${key}`
  if (object === undefined) throw new ArchiveUnknown(`${where} is gone. Restore another archive.`)
  const crc32 = crc32In(checksum)
  if (crc32 === undefined || object.sizeBytes !== sizeBytes || (object.crc32 !== undefined && object.crc32 !== crc32)) {
    throw new ArchiveConflict(
      `${where} isn't the object that its manifest names: it has ${object.sizeBytes} bytes, and ${sizeBytes} were archived. Restore another archive, or an older version of the object.`,
    )
  }
  const isBare = object.crc32 === undefined && store.oneMachine !== undefined
  return { key, fileName, etag: object.etag, sizeBytes, crc32, ...(isBare ? { withoutCrc: true as const } : {}) }
}

async function diskIn(artifact: Artifact, ports: Needs): Promise<ArchivedDisk> {
  // Its blocks are proved on the way, whatever the store knows of the object.
  const { withoutCrc: _proof, ...file } = await fileIn(artifact, ports)
  const { plan, map } = await readKeptDiskPlan(file, ports)
  const crc32 = crc32In(artifact.content?.crc32 ?? '')
  if (crc32 === undefined || artifact.content?.sizeBytes !== plan.sizeBytes) {
    throw new ArchiveConflict(
      `The plan beside ${file.key} is of another disk than its manifest. Restore another archive.`,
    )
  }
  const { sizeBytes, allocatedBytes: writtenBytes } = plan
  return {
    ...file,
    disk: { sizeBytes, crc32, writtenBytes, parts: partsOf(plan), partBytes: mostWrittenBytes(plan, map) },
  }
}

function crc32In(checksum: string): number | undefined {
  return crc32FromBase64(checksum.slice('CRC32:'.length))
}
