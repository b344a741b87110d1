/** What a backup proves, and what there is to copy. */
import { beginAccess } from '../../azure-api/disk-address.ts'
import { blobFact, pageBlobAt } from '../../azure-api/open-page-blob.ts'
import type { PageBlobLocation } from '../../contracts/azure-access.ts'
import { SourceUnreadable } from '../../contracts/errors.ts'
import type { BackupEvidence, EvidenceSource } from '../../contracts/evidence.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { Gathered } from '../provider.ts'
import { disksIn, disksOf, hasGuestState, isVhdx, type MachineDisk, readDisks, remarksOf } from './disks.ts'
import { gradeOf } from './grade.ts'
import { formatJobRef, type JobRef } from './identifiers.ts'
import { guestIdOf, listMachines } from './machines.ts'
import { lookAt, restorePointIds } from './progress.ts'
import type { Disk, Machine, RestorePoint, Snapshot } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { snapshotSets } from './snapshot-sets.ts'
import { nextStep } from './steps.ts'

/** A disk that is frozen. */
export interface Frozen {
  disk: MachineDisk
  /** Of the disk restore point, or the snapshot. */
  resourceId: string
  /** By Azure's clock. */
  madeAt: string
}

/** What the platform says of the whole. */
interface Said extends Pick<BackupEvidence, 'ending' | 'exitStatus' | 'errors'> {
  frozen: Frozen[]
  /** Of a restore point, as Azure has it. */
  mode?: string | undefined
  /** Why a better one was not to be had. */
  because?: string | undefined
  /** As it was at that instant: kept beside the archive. */
  record: RestorePoint | Snapshot[] | undefined
}

export async function gather(session: SiteSession, job: JobRef, guest: Guest): Promise<Gathered> {
  const where = `region ${guest.node}, guest ${guest.id}`
  return session.orFact(where, 'reading what was frozen', async () => {
    const said = await (job.freeze === 'snapshots' ? bySnapshots(session, job) : byPoint(session, job))
    const machine = (await listMachines(session)).find((one) => guestIdOf(one) === job.guestId)
    const now = machine === undefined ? [] : disksOf(machine)
    const disks = await readDisks(session, said.frozen.length > 0 ? said.frozen.map(({ disk }) => disk) : now)
    const sources: EvidenceSource[] = []
    for (const one of said.frozen) sources.push(await sourceOf(session, guest, one, disks.get(one.disk.slot)))
    const { ending, exitStatus, errors, frozen } = said
    const all =
      job.freeze === 'restore-point' && said.record !== undefined && !Array.isArray(said.record)
        ? wholeOf(said.record)
        : now
    const skipped = all.filter(({ slot }) => !frozen.some(({ disk }) => disk.slot === slot))
    const grade = gradeOf({
      ...job,
      mode: said.mode,
      because: said.because,
      disks: frozen.length,
      skipped,
      guestState: machine !== undefined && hasGuestState(machine),
      wanted: job.consistency,
    })
    const evidence: BackupEvidence = {
      jobRef: formatJobRef(job),
      jobStartedAt: job.at,
      exitStatus,
      ending,
      warnings: [],
      errors,
      ...(ending === 'ok' ? { grade } : {}),
      ...(sources.length === 0 ? {} : { sources }),
    }
    return { evidence, sideFiles: [{ name: 'guest.json', text: describe(machine, said, disks) }] }
  })
}

/** The disks of the machine as it was then, also those that were left out. */
function wholeOf({ properties }: RestorePoint): MachineDisk[] {
  const profile = properties.sourceMetadata?.storageProfile
  return profile === undefined ? [] : disksIn(profile)
}

async function byPoint(session: SiteSession, job: JobRef): Promise<Said> {
  const state = await lookAt(session, job)
  const next = nextStep(job, state)
  if (next.step !== 'done') {
    const because = 'because' in next ? next.because : 'the restore point is not finished'
    const gone = state.points.size === 0
    return {
      ending: next.step === 'wait' ? 'interrupted' : gone ? 'unknown' : 'errors',
      exitStatus: 'Failed',
      errors: [because],
      frozen: [],
      record: undefined,
    }
  }
  const point = state.points.get(next.kind)
  const profile = point?.properties.sourceMetadata?.storageProfile
  const madeAt = point?.properties.timeCreated ?? job.at
  if (point === undefined || profile === undefined) {
    return {
      ending: 'unknown',
      exitStatus: 'incomplete',
      errors: ['the restore point names no disk'],
      frozen: [],
      record: point,
    }
  }
  const ids = restorePointIds(profile)
  const excluded = new Set((point.properties.excludeDisks ?? []).map(({ id }) => id.toLowerCase()))
  const meant = disksIn(profile).filter(({ id }) => id === undefined || !excluded.has(id.toLowerCase()))
  const frozen = meant.flatMap((disk) => {
    const resourceId = ids.get(disk.slot)
    return resourceId === undefined ? [] : [{ disk, resourceId, madeAt }]
  })
  const lacking = meant.filter(({ slot }) => !ids.has(slot)).map(({ name }) => name)
  const better = next.kind === 'crash' ? state.points.get('application') : undefined
  const because = better?.properties.instanceView?.statuses?.find(({ message }) => message !== undefined)?.message
  const whole = lacking.length === 0 && frozen.length > 0
  return {
    ending: whole ? 'ok' : 'unknown',
    exitStatus: point.properties.provisioningState ?? '',
    errors: whole ? [] : [`the restore point lacks the disk ${lacking.join(', ')}`],
    frozen,
    mode: point.properties.consistencyMode,
    because:
      next.kind === 'crash' && !job.off && job.consistency !== 'crash'
        ? (because ?? 'Azure did not say why')
        : undefined,
    record: point,
  }
}

async function bySnapshots(session: SiteSession, job: JobRef): Promise<Said> {
  const [set] = await snapshotSets(session, { token: job.token })
  if (set === undefined) {
    return {
      ending: 'unknown',
      exitStatus: 'gone',
      errors: ['no snapshot of it is there'],
      frozen: [],
      record: undefined,
    }
  }
  const bad = set.snapshots.filter(({ properties }) => (properties.provisioningState ?? 'Succeeded') !== 'Succeeded')
  const errors = bad.map(({ name, properties }) => `snapshot ${name} is in state ${properties.provisioningState}`)
  const short = set.snapshots.length !== set.disks
  if (short) errors.push(`there are snapshots of ${set.snapshots.length} of its ${set.disks} disks`)
  const frozen = set.snapshots.map(
    (snapshot): Frozen => ({
      disk: diskOf(snapshot, job.token),
      resourceId: snapshot.id,
      madeAt: snapshot.properties.timeCreated ?? job.at,
    }),
  )
  const ending = bad.length > 0 ? ('errors' as const) : short ? ('unknown' as const) : ('ok' as const)
  return {
    ending,
    exitStatus: ending === 'ok' ? 'Succeeded' : 'Failed',
    errors,
    frozen: ending === 'ok' ? frozen : [],
    record: set.snapshots,
  }
}

/** The disk that a snapshot is of. */
function diskOf({ name, properties }: Snapshot, token: string): MachineDisk {
  const id = properties.creationData?.sourceResourceId
  return {
    slot: name.slice(`gl-${token}-`.length),
    name: id?.split('/').at(-1) ?? name,
    id,
    sizeGib: undefined,
    storageType: undefined,
    ephemeral: false,
  }
}

/** The blob itself says how long it is. Whether it may be read at all shows here, before anything is copied. */
async function sourceOf(
  session: SiteSession,
  guest: Guest,
  { disk, resourceId, madeAt }: Frozen,
  its: Disk | undefined,
): Promise<EvidenceSource> {
  const { siteName, site, arm, deps } = session
  const what = `Site ${siteName}, region ${guest.node}, guest ${guest.id}: disk ${disk.name}`
  const format: PageBlobLocation['format'] = isVhdx(its) ? 'vhdx' : 'vhd'
  const order = { resourceId, seconds: site.sasHours * 3600, format }
  const address = await beginAccess(arm, order, deps.sleep)
  const file = pageBlobAt(address, `disk ${disk.name}, guest ${guest.id}`, { site: siteName, tls: site.tls })
  try {
    const [first, again] = [await file.stat(), await file.stat()]
    const { sizeBytes } = first.identity
    if (sizeBytes === 0) throw new SourceUnreadable(`${what} has no bytes.`)
    const location: PageBlobLocation = {
      type: 'page-blob',
      node: guest.node,
      resourceId,
      disk: disk.name,
      sizeBytes,
      format,
    }
    return {
      artifact: {
        artifactRef: resourceId,
        fileName: fileNameOf(disk, format),
        sizeBytes,
        // The time of an archive is in whole seconds, and the same for all its disks.
        createdAt: `${madeAt.slice(0, 19)}.000Z`,
        location,
        encoding: 'raw-disk',
      },
      listedAgainSizeBytes: again.identity.sizeBytes,
    }
  } catch (error) {
    throw blobFact(error, what)
  } finally {
    file.close()
  }
}

/** Names of disks have letters, digits, `_`, `-` and dots; the slot tells those apart that differ in case alone. */
function fileNameOf({ name, slot }: MachineDisk, format: 'vhd' | 'vhdx'): string {
  const place = slot === 'os' ? 'os' : `lun${slot}`
  return `${place}-${name.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.${format}.zst`
}

function describe(machine: Machine | undefined, { record }: Said, disks: ReadonlyMap<string, Disk>): string {
  const description = {
    machine,
    disks: [...disks.values()],
    frozen: record,
    remarks: machine === undefined ? [] : remarksOf(machine, disks),
  }
  return `${JSON.stringify(description, undefined, 2)}\n`
}
