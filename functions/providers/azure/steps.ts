/** How a backup by restore point goes on, by what Azure shows. Pure. */
import type { JobRef, PointKind } from './identifiers.ts'
import type { RestorePoint } from './schemas.ts'

/** Until then, what was asked for may not show yet (Resource Manager's reads lag behind its writes). */
export const LAG_SECONDS = 300
/** What takes longer never ends. */
const LONGEST_HOURS = 6

export interface JobState {
  points: ReadonlyMap<PointKind, RestorePoint>
  now: string
}

export type Step =
  | { step: 'wait' }
  | { step: 'done'; kind: PointKind }
  /** `because`: what Azure said of the better one. */
  | { step: 'make-crash-point'; because: string }
  | { step: 'failed'; because: string }

export function nextStep(job: JobRef, { points, now }: JobState): Step {
  const ageSeconds = (Date.parse(now) - Date.parse(job.at)) / 1000
  const crash = points.get('crash')
  if (crash !== undefined) return ofPoint('crash', crash, ageSeconds)
  const kind = firstKindOf(job)
  const point = points.get(kind)
  const first = point === undefined ? unseen(ageSeconds) : ofPoint(kind, point, ageSeconds)
  if (first.step !== 'failed' || job.consistency !== 'application-or-crash' || kind === 'crash') return first
  return { step: 'make-crash-point', because: first.because }
}

/** Which restore point is made first. */
export function firstKindOf({ consistency, off }: Pick<JobRef, 'consistency' | 'off'>): PointKind {
  // Disks of a machine that is off are at rest, and nothing in it could be asked.
  return consistency === 'crash' || off ? 'crash' : 'application'
}

function unseen(ageSeconds: number): Step {
  if (ageSeconds < LAG_SECONDS) return { step: 'wait' }
  return { step: 'failed', because: 'the restore point is not there' }
}

function ofPoint(kind: PointKind, { properties }: RestorePoint, ageSeconds: number): Step {
  const { provisioningState = '', instanceView } = properties
  if (provisioningState === 'Succeeded') return { step: 'done', kind }
  if (provisioningState === 'Failed' || provisioningState === 'Canceled') {
    const bad = instanceView?.statuses?.find(({ message }) => message !== undefined)
    return { step: 'failed', because: bad?.message ?? `the restore point is in state ${provisioningState}` }
  }
  if (ageSeconds < LONGEST_HOURS * 3600) return { step: 'wait' }
  return {
    step: 'failed',
    because: `after ${LONGEST_HOURS} hours the restore point is still in state ${provisioningState}`,
  }
}
