/** Finding snapshots. */
import { ec2 } from '../errors.ts'
import type { LabSnapshot, Region } from '../world.ts'

/** Every one of these, or an error that names the first that isn't there. */
export function snapshotsNamed(region: Region, ids: readonly string[]): LabSnapshot[] {
  const wrong = ids.find((id) => !/^snap-[0-9a-f]{8}(?:[0-9a-f]{9})?$/.test(id))
  if (wrong !== undefined)
    throw ec2(
      'InvalidSnapshotID.Malformed',
      `Value (${wrong}) for parameter snapshotId is invalid. Expected: 'snap-...'.`,
    )
  return ids.map((id) => {
    const snapshot = region.snapshots.get(id)
    if (snapshot === undefined || snapshot.hiddenFor > 0) {
      if (snapshot !== undefined) snapshot.hiddenFor -= 1
      throw ec2('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`)
    }
    return snapshot
  })
}

/** EBS direct isn't done with it. */
export const isBeingWritten = ({ writing }: LabSnapshot): boolean => writing !== undefined && writing.completed !== true

/** Somebody was shown a pending snapshot: it comes one step closer to its end. */
export function passOn(snapshot: LabSnapshot, held: boolean, now: Date): void {
  if (snapshot.state !== 'pending' || isBeingWritten(snapshot) || held) return
  snapshot.asksLeft -= 1
  if (snapshot.asksLeft > 0) return
  snapshot.state = 'completed'
  snapshot.completedAt = now
}

/** Written by EBS direct and left alone for longer than was agreed: nobody can finish it any more. */
export function giveUpWriting(snapshot: LabSnapshot, now: Date): void {
  const { writing } = snapshot
  if (writing === undefined || writing.completed === true || snapshot.state !== 'pending') return
  if (now.getTime() - writing.lastPutAt.getTime() <= writing.timeoutMinutes * 60_000) return
  snapshot.state = 'error'
  snapshot.statusMessage = 'The snapshot was not completed within its timeout.'
}
