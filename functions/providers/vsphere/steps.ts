/** What comes next in a backup of several remote steps, by what the platform shows of it now. Pure. */
import type { JobRef } from './identifiers.ts'
import type { OwnSnapshot } from './own-snapshots.ts'
import { isOfKind, isUnderWay, type TaskInfo } from './tasks.ts'

export interface JobState {
  /** Our snapshot, where it is in the guest's tree. */
  snapshot: OwnSnapshot | undefined
  /** Our clone, where it is in the staging folder. */
  hasClone: boolean
  poweredOn: boolean
  /** Of the guest, oldest first, those that were begun with the job or later. */
  tasks: readonly TaskInfo[]
  /** By the server's clock. */
  now: string
}

export type Step =
  | { step: 'wait'; why: string; progressPercent?: number | undefined }
  | { step: 'done' }
  | { step: 'failed'; why: string }
  | { step: 'create-snapshot'; quiesce: boolean }
  | { step: 'remove-snapshot'; why: string }
  | { step: 'clone' }

const CREATING = /createSnapshot/i
const CLONING = /\.clone/i
const REMOVING = /removeSnapshot/i
/** Faults of quiescing, of tools in the guest or of its file systems. A second try is often enough. */
const QUIESCE_FAULT =
  /^(ApplicationQuiesceFault|FilesystemQuiesceFault|ToolsUnavailable|SnapshotFault|GenericVmConfigFault)$/
const QUIESCE_TRIES = 2
const QUIESCE_PAUSE_SECONDS = 30

export function nextStep(job: JobRef, state: JobState): Step {
  if (job.mode === 'template') return { step: 'done' }
  const running = state.tasks.findLast(isUnderWay)
  if (running !== undefined && isOfKind(running, /Snapshot|\.clone|consolidate/i)) {
    return { step: 'wait', why: `${running.kind} is under way`, progressPercent: running.progressPercent }
  }
  const creations = state.tasks.filter((task) => isOfKind(task, CREATING))
  const last = creations.at(-1)
  const { snapshot } = state
  if (snapshot === undefined) {
    if (job.mode === 'clone' && state.hasClone) return { step: 'done' }
    return afterFailedCreation(job, state, creations)
  }
  // A creation that failed may have left its snapshot all the same.
  if (last?.state === 'error') return { step: 'remove-snapshot', why: 'the failed creation left it' }
  return job.mode === 'clone' ? ofClone(state) : { step: 'done' }
}

function ofClone({ hasClone, tasks }: JobState): Step {
  const cloning = tasks.findLast((task) => isOfKind(task, CLONING))
  if (cloning?.state === 'error')
    return { step: 'failed', why: `The clone failed: ${cloning.fault?.said ?? 'no reason given'}.` }
  if (!hasClone) return { step: 'clone' }
  const removing = tasks.findLast((task) => isOfKind(task, REMOVING))
  if (removing?.state === 'error') {
    return { step: 'failed', why: `The snapshot can't be removed: ${removing.fault?.said ?? 'no reason given'}.` }
  }
  return { step: 'remove-snapshot', why: 'the clone holds its content' }
}

/** Quiesced twice, then without, where the job lets it. */
function afterFailedCreation({ quiesce }: JobRef, { now, poweredOn }: JobState, creations: readonly TaskInfo[]): Step {
  const last = creations.at(-1)
  if (last === undefined) return { step: 'failed', why: 'no snapshot of it is there' }
  if (last.state === 'success') return { step: 'failed', why: 'its snapshot was made, and is gone' }
  const why = last.fault?.said ?? 'no reason given'
  const retryable = quiesce !== 'never' && poweredOn && QUIESCE_FAULT.test(last.fault?.type ?? '')
  if (!retryable || creations.length > QUIESCE_TRIES) return { step: 'failed', why }
  if (creations.length === QUIESCE_TRIES) {
    return quiesce === 'prefer' ? { step: 'create-snapshot', quiesce: false } : { step: 'failed', why }
  }
  const ended = last.endedAt ?? last.startedAt
  const sinceSeconds = ended === undefined ? Infinity : (Date.parse(now) - Date.parse(ended)) / 1000
  return sinceSeconds < QUIESCE_PAUSE_SECONDS
    ? { step: 'wait', why: `quiescing failed (${why}), and is tried once more` }
    : { step: 'create-snapshot', quiesce: true }
}
