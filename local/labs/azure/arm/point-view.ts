/** How a restore point shows, and what holds it. */
import { notAllowed } from '../errors.ts'
import type { Json, LabPoint, World } from '../world.ts'
import { isAlive } from './access.ts'

export const pointView = (point: LabPoint, withInstance = false): Json => ({
  id: point.id,
  name: point.name,
  properties: {
    excludeDisks: point.excludeDisks,
    consistencyMode: point.mode ?? 'ApplicationConsistent',
    provisioningState: point.provisioning,
    timeCreated: point.made.toISOString(),
    sourceMetadata: point.sourceMetadata,
    ...(withInstance ? { instanceView: instanceView(point) } : {}),
  },
})

const instanceView = ({ disks }: LabPoint): Json => ({
  statuses: [],
  diskRestorePoints: disks.map(({ id, completionPercent }) => ({
    id,
    snapshotAccessState: completionPercent < 100 ? 'Pending' : 'Available',
    replicationStatus: { status: { code: 'ReplicationState/succeeded', level: 'Info' }, completionPercent },
  })),
})

/** A background copy goes on at each look. */
export function grow(world: World, of: { completionPercent: number }): void {
  of.completionPercent = Math.min(100, of.completionPercent + world.settings.completionStep)
}

/** @throws Refusal 409 while a signature of one of its disks lives */
export function needNoAccess(world: World, point: LabPoint): void {
  if (point.disks.some((disk) => isAlive(world, disk)))
    throw notAllowed('A disk restore point of this restore point has an active shared access signature.')
}
