/** How a backup stands, and its next step where one is due. */
import { DISKS } from '../../azure-api/arm.ts'
import type { BackupProgress } from '../provider.ts'
import { disksIn, isCopiedFirst } from './disks.ts'
import { isTurn, makePoint } from './freeze.ts'
import { type JobRef, type PointKind, pointNameOf } from './identifiers.ts'
import { machineOf } from './machines.ts'
import {
  diskRestorePointSchema,
  type RestorePoint,
  restorePointSchema,
  snapshotSchema,
  type StorageProfile,
} from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { snapshotSets } from './snapshot-sets.ts'
import { firstKindOf, type JobState, LAG_SECONDS, nextStep } from './steps.ts'

/** Everything that Azure shows of a backup by restore point. */
export async function lookAt(session: SiteSession, job: JobRef): Promise<JobState> {
  const { arm } = session
  const kinds: PointKind[] = firstKindOf(job) === 'crash' ? ['crash'] : ['application', 'crash']
  const points = new Map<PointKind, RestorePoint>()
  for (const kind of kinds) {
    const call = { ...session.point(job.guestId, pointNameOf(job.token, kind)), query: { $expand: 'instanceView' } }
    const point = await arm.find(call, restorePointSchema)
    if (point !== undefined) points.set(kind, point)
  }
  return { points, now: session.serverTime() }
}

/** Looks, and takes the next step where one is due. */
export async function check(session: SiteSession, job: JobRef): Promise<BackupProgress> {
  return session.orFact(`guest ${job.guestId}`, 'looking at the backup', async () => {
    if (job.freeze === 'snapshots') return checkSnapshots(session, job)
    const state = await lookAt(session, job)
    const next = nextStep(job, state)
    if (next.step === 'failed') return { running: false }
    if (next.step === 'done') return copied(session, state, next.kind)
    if (next.step === 'make-crash-point') {
      session.deps.log('azure-step', { site: session.siteName, guest: job.guestId, ...next })
      const machine = await machineOf(session, { id: job.guestId, node: 'azure' })
      await retryLater(() => makePoint(session, job, 'crash', machine))
    }
    return { running: true }
  })
}

async function retryLater(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isTurn(error)) throw error
  }
}

/** Disks that are copied first can't be read before that has ended. */
async function copied(session: SiteSession, { points }: JobState, kind: PointKind): Promise<BackupProgress> {
  const profile = points.get(kind)?.properties.sourceMetadata?.storageProfile
  if (profile === undefined) return { running: false }
  const slow = disksIn(profile).filter(({ storageType }) => isCopiedFirst(storageType))
  const ids = restorePointIds(profile)
  let progressPercent = 100
  for (const { slot } of slow) {
    const id = ids.get(slot)
    if (id === undefined) continue
    const { properties } = await session.arm.read({ path: id, version: DISKS }, diskRestorePointSchema)
    progressPercent = Math.min(progressPercent, properties.completionPercent ?? 100)
  }
  return progressPercent >= 100 ? { running: false } : { running: true, progressPercent }
}

export async function checkSnapshots(session: SiteSession, job: JobRef): Promise<BackupProgress> {
  const [set] = await snapshotSets(session, { token: job.token })
  const ageSeconds = (Date.parse(session.serverTime()) - Date.parse(job.at)) / 1000
  if (set === undefined || set.snapshots.length < set.disks) return { running: ageSeconds < LAG_SECONDS }
  let [running, progressPercent] = [false, 100]
  for (const { name } of set.snapshots) {
    // Each by itself: lists lag behind.
    const snapshot = await session.arm.find(session.snapshot(name), snapshotSchema)
    const { provisioningState = 'Succeeded', completionPercent = 100 } = snapshot?.properties ?? {}
    const isMade = provisioningState === 'Succeeded'
    running ||= /^(Creating|Updating|Accepted)$/.test(provisioningState) || (isMade && completionPercent < 100)
    progressPercent = Math.min(progressPercent, completionPercent)
  }
  return { running, progressPercent }
}

/** Of each disk in a restore point, by its slot. */
export function restorePointIds({ osDisk, dataDisks }: StorageProfile): Map<string, string> {
  const all: [string, string | undefined][] = [
    ['os', osDisk?.diskRestorePoint?.id],
    ...dataDisks.map(({ lun, diskRestorePoint }): [string, string | undefined] => [String(lun), diskRestorePoint?.id]),
  ]
  return new Map(all.flatMap(([slot, id]) => (id === undefined ? [] : [[slot, id]])))
}
