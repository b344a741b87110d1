/** What a set of snapshots proves, and what there is to copy. Pure. */
import { EBS_BLOCK_BYTES, type EbsSnapshotLocation } from '../../contracts/aws-access.ts'
import type { BackupEvidence, EvidenceSource } from '../../contracts/evidence.ts'
import type { Gap, Grade } from '../../contracts/grade.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { SideFile } from '../../contracts/side-file.ts'
import { formatJobRef, type JobRef } from './identifiers.ts'
import { type AttachedVolume, remarksOf } from './instances.ts'
import type { Instance, Snapshot } from './schemas.ts'
import { isPending, type SnapshotSet } from './snapshot-sets.ts'

const GIB = 2 ** 30

export interface Seen {
  job: JobRef
  guest: Guest
  set: SnapshotSet | undefined
  /** At a second look. */
  again: SnapshotSet | undefined
  instance: Instance | undefined
  volumes: readonly AttachedVolume[]
  /** Its type has instance stores; absent where nothing tells. */
  instanceStores?: boolean | undefined
}

export function evidenceOf(seen: Seen): BackupEvidence {
  const { job, set } = seen
  const startedAt = set?.startedAt ?? new Date(0).toISOString()
  const { ending, exitStatus, errors } = endingOf(set)
  return {
    jobRef: formatJobRef(job),
    jobStartedAt: startedAt,
    exitStatus,
    ending,
    warnings: [],
    errors,
    ...(ending === 'ok' ? { grade: gradeOf(seen) } : {}),
    ...(set === undefined || set.snapshots.length === 0 ? {} : { sources: sourcesOf(seen, set) }),
  }
}

function endingOf(set: SnapshotSet | undefined): Pick<BackupEvidence, 'ending' | 'exitStatus' | 'errors'> {
  if (set === undefined) return { ending: 'unknown', exitStatus: 'gone', errors: ['no snapshot of it is there'] }
  const { snapshots, volumes } = set
  const bad = snapshots.filter(({ state }) => state !== 'completed')
  const errors = bad.map(({ snapshotId, volumeId, state, statusMessage }) => {
    const why = statusMessage === '' ? '' : `: ${statusMessage}`
    return `snapshot ${snapshotId} of volume ${volumeId} is in state ${state}${why}`
  })
  if (bad.some((one) => !isPending(one))) return { ending: 'errors', exitStatus: 'error', errors }
  if (bad.length > 0) return { ending: 'interrupted', exitStatus: 'pending', errors }
  if (volumes < 1 || snapshots.length !== volumes) {
    const counts = `there are snapshots of ${snapshots.length} of its ${volumes} volumes`
    return { ending: 'unknown', exitStatus: 'incomplete', errors: [counts] }
  }
  return { ending: 'ok', exitStatus: 'completed', errors: [] }
}

function sourcesOf({ again, volumes }: Seen, set: SnapshotSet): EvidenceSource[] {
  const [later, devices] = [new Map<string, Snapshot>(), new Map(volumes.map((one) => [one.volumeId, one]))]
  for (const snapshot of again?.snapshots ?? []) later.set(snapshot.snapshotId, snapshot)
  // The time of an archive is in whole seconds, and the same for all its disks.
  const createdAt = `${set.startedAt.slice(0, 19)}.000Z`
  const sources = set.snapshots.map((snapshot) => {
    const { snapshotId, volumeId, volumeSize } = snapshot
    const heldBytes = Number(snapshot.fullSnapshotSizeInBytes)
    const volume = devices.get(volumeId)
    const location: EbsSnapshotLocation = {
      type: 'ebs-snapshot',
      node: volume === undefined ? set.region : volume.availabilityZone,
      region: set.region,
      snapshotId,
      device: volume?.device ?? volumeId,
      volumeId,
      startedAt: snapshot.startTime,
      ...(Number.isSafeInteger(heldBytes) ? { heldBytes } : {}),
    }
    const listed = later.get(snapshotId)
    return {
      artifact: {
        artifactRef: snapshotId,
        fileName: fileNameOf(location.device),
        sizeBytes: volumeSize * GIB,
        createdAt,
        location,
        encoding: 'raw-disk' as const,
      },
      ...(listed === undefined ? {} : { listedAgainSizeBytes: listed.volumeSize * GIB }),
      removeWith: `aws ec2 delete-snapshot --region ${set.region} --snapshot-id ${snapshotId}`,
    }
  })
  return sources.toSorted((one, other) => (one.artifact.fileName < other.artifact.fileName ? -1 : 1))
}

/** `/dev/xvda` → `xvda.raw.zst`. What EC2 lets a device be called beside that, as `xvdb/1`, becomes a name without slashes. */
export function fileNameOf(device: string): string {
  return `${device.replace(/^\/dev\//, '').replaceAll(/[^A-Za-z0-9._-]/g, '-')}.raw.zst`
}

function gradeOf({ set, instance, volumes, guest, instanceStores }: Seen): Grade {
  const held = new Set(set?.snapshots.map(({ volumeId }) => volumeId))
  const gaps: Gap[] = volumes
    .filter(({ volumeId }) => !held.has(volumeId))
    .map(({ volumeId, device }) => ({
      name: 'disks',
      what: `the volume ${device} (${volumeId})`,
      chosen: true,
    }))
  if (instanceStores === true) {
    gaps.push({ name: 'disks', what: `the instance stores of its type ${instance?.instanceType}`, chosen: true })
  }
  return {
    consistency: 'crash',
    reason: `All volumes of ${guest.id} are of one instant, as after a pulled plug.`,
    gaps,
    ...(instanceStores === undefined
      ? {
          gapsMayLack: 'Its type may have instance stores, which no snapshot holds; the account may not ask for types.',
        }
      : {}),
  }
}

/** What a restore needs to know of the instance, and what AWS said of the snapshots. */
export function sideFilesOf({ set, instance, volumes }: Seen): SideFile[] {
  if (set === undefined) return []
  const description = {
    instance: instance === undefined ? undefined : plain(instance),
    volumes: volumes.map(plain),
    snapshots: set.snapshots.map(plain),
    blockBytes: EBS_BLOCK_BYTES,
    remarks: instance === undefined ? [] : remarksOf(instance),
  }
  return [{ name: 'guest.json', text: `${JSON.stringify(description, undefined, 2)}\n` }]
}

function plain({ tagSet, ...rest }: Instance | AttachedVolume | Snapshot): Record<string, unknown> {
  return { ...rest, tags: Object.fromEntries(tagSet) }
}
