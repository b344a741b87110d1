import { z } from 'zod'
import { readFailure } from '../../../functions/domain/backup/failure.ts'
import { tasks } from '../../../functions/contracts/tasks.ts'
import { type RunEvent, WAITING_TO_DUMP } from '../print/progress.ts'

/** An event of an execution's history, from the local interpreter or (flattened) from AWS. JSON is parsed. */
export interface SeenEvent {
  execution: string
  id: number
  previousEventId: number
  type: string
  details: Readonly<Record<string, unknown>>
}

const guestSchema = z.object({ guest: z.object({ id: z.string(), name: z.string() }) })
/** A guest's own execution, or a leg of its work, which is an execution too. */
const workSchema = z.union([guestSchema, z.object({ item: guestSchema }).transform(({ item }) => item)])
const payloadSchema = z.object({ Payload: z.unknown() })
/** How Step Functions describes an execution that a Task waited for. */
const nestedSchema = z.object({
  ExecutionArn: z.string(),
  Status: z.string(),
  Error: z.string().optional(),
  Cause: z.string().optional(),
})
const planned = z.object({ guestCount: z.number() })

/** What is remembered of one execution while its events come in. */
interface Seen {
  guest?: { id: string; name: string }
  /** The state that an event belongs to: events point back to the one that entered it. */
  states: Map<number, Visited>
}

/** One visit to a state. */
interface Visited {
  name: string
  /** Tries of it that failed. */
  failed: number
}

/**
 * Turns history events into what a person wants to see. Feed it every event of the run's execution and of the guests'
 * executions, in any interleaving.
 */
export function readHappenings(): (event: SeenEvent) => RunEvent[] {
  const executions = new Map<string, Seen>()
  return (event) => {
    const seen: Seen = executions.get(event.execution) ?? { states: new Map() }
    executions.set(event.execution, seen)
    if (event.type === 'ExecutionStarted') {
      const parsed = workSchema.safeParse(event.details['input'])
      if (parsed.success) seen.guest = parsed.data.guest
      return []
    }
    const name = event.details['name']
    const entered = event.type.endsWith('StateEntered') && typeof name === 'string'
    const visited = entered ? { name, failed: 0 } : seen.states.get(event.previousEventId)
    if (visited === undefined) return []
    seen.states.set(event.id, visited)
    const state = visited.name
    if (entered) return enteredState(seen, event.type, state)
    if (event.type === 'TaskSucceeded') return answered(seen, state, event.details['output'])
    if (event.type === 'TaskFailed' || event.type === 'TaskTimedOut') {
      visited.failed += 1
      const { error = event.type, cause } = event.details
      const failure = withinThis(
        readFailure({ Error: String(error), Cause: typeof cause === 'string' ? cause : undefined }),
      )
      const step = oneStep[state] ?? state
      return [{ kind: 'trouble', id: seen.guest?.id, step, error: `${failure.name}: ${failure.message}` }]
    }
    if (event.type === 'TaskScheduled' && visited.failed > 0) {
      return [{ kind: 'tried-again', id: seen.guest?.id, step: oneStep[state] ?? state, attempt: visited.failed + 1 }]
    }
    return []
  }
}

/** Of an execution within this one, its own end; its description would fill the screen. */
function withinThis(failure: { name: string; message: string }): { name: string; message: string } {
  const { data } = nestedSchema.safeParse(parsed(failure.message))
  return data === undefined ? failure : { name: data.Error ?? data.Status, message: data.Cause ?? '' }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Only states that do something: choices, passes and the frames around loops are the workflow's own business. */
const telling = new Set(['TaskStateEntered', 'WaitStateEntered', 'MapStateEntered'])

const THAWING = 'Waiting for S3 to thaw the archive'
const DELIVERING = 'Delivering'
const CREATING = 'Creating the guest'
const UNPACKING = 'Unpacking the disks'
const FETCHING = 'Having the node fetch the disks'
const REHEARSING = 'Rehearsing'

/** The states between which a guest, or a restore, goes back and forth are one step to a person. */
const oneStep: Readonly<Record<string, string>> = {
  'Wait for a turn to dump': WAITING_TO_DUMP,
  'Wait for release': 'Releasing',
  'Plan copies': 'Copying',
  'Copy parts': 'Copying',
  'Wait for a turn': 'Waiting for a turn to copy',
  'Plan drill': 'Choosing the guests',
  'Rehearse on each node': REHEARSING,
  'One after the other': REHEARSING,
  'Rehearse guest': REHEARSING,
  'Report drill': 'Reporting',
  'Plan restore': 'Finding the archive',
  'Check target': 'Checking the target',
  'Unpacking in legs': UNPACKING,
  'Unpack disks': UNPACKING,
  'Wait for unpacking': UNPACKING,
  'Fetching in legs': FETCHING,
  'Fetch disks': FETCHING,
  'Wait for fetching': FETCHING,
  'Thaw in legs': THAWING,
  'Thaw archive': THAWING,
  'Wait for thaw': THAWING,
  'Deliver in legs': DELIVERING,
  'Plan delivery': DELIVERING,
  'Deliver chunks': DELIVERING,
  'Deliver parts': DELIVERING,
  'Finish delivery': DELIVERING,
  'Wait for a turn to deliver': 'Waiting for a turn to deliver',
  'Create guest': CREATING,
  'Guest in legs': CREATING,
  'Wait for guest': CREATING,
  'Check restore': CREATING,
  'Compare guest': 'Comparing the guest with its archive',
  'Probe guest': 'Starting the guest and looking at it',
  'Finish restore': 'Removing what was put on the platform',
}

/** The states of a branch bear its platform's words: "Wait for vzdump", "Check snapshots". */
function stepOf(state: string): string {
  const known = oneStep[state]
  if (known !== undefined) return known
  if (state.startsWith('Wait for a turn of ')) return WAITING_TO_DUMP
  return /^(?:Wait for|Check) /.test(state) ? 'Backing up' : state
}

function enteredState({ guest }: Seen, type: string, state: string): RunEvent[] {
  if (!telling.has(type) || (guest !== undefined && type === 'MapStateEntered')) return []
  const step = stepOf(state)
  return guest === undefined ? [{ kind: 'run-step', step }] : [{ kind: 'guest-step', ...guest, step }]
}

function answered({ guest }: Seen, state: string, output: unknown): RunEvent[] {
  const answer = payloadSchema.safeParse(output).data?.Payload
  if (guest === undefined) return answeredRun(state, answer)
  const { id } = guest
  switch (state) {
    case 'Open upload': {
      const opened = tasks.OpenUpload.output.safeParse(answer).data
      if (opened === undefined) return []
      const { key, source } = opened.upload
      return [{ kind: 'upload-opened', id, key, sizeBytes: source.sizeBytes }]
    }
    case 'Plan copies': {
      const planned = tasks.PlanCopies.output.safeParse(answer).data
      if (planned === undefined) return []
      const { missingBytes, totalBytes } = planned
      return [{ kind: 'copies-planned', id, missingBytes, totalBytes }]
    }
    case 'Release backup':
    case 'Record failure': {
      const outcome = tasks.RecordFailure.output.safeParse(answer).data
      return outcome === undefined || !('outcome' in outcome)
        ? []
        : [{ kind: 'guest-ended', id, outcome: outcome.outcome, reason: outcome.reason }]
    }
    default:
      return ofBranch(id, state, answer)
  }
}

/** What the states of a run, and of a restore, answer. */
function answeredRun(state: string, answer: unknown): RunEvent[] {
  if (state === 'Plan delivery') {
    const missingBytes = tasks.PlanDelivery.output.safeParse(answer).data?.missingBytes
    return missingBytes === undefined ? [] : [{ kind: 'delivery-planned', missingBytes }]
  }
  const plan = state === 'Plan run' ? planned.safeParse(answer).data : undefined
  return plan === undefined ? [] : [{ kind: 'planned', guestCount: plan.guestCount }]
}

/** A branch's own states are known by what they answer. */
function ofBranch(id: string, state: string, answer: unknown): RunEvent[] {
  if (state.startsWith('Check ')) {
    const { progressPercent: percent, progress: figures } = tasks.CheckBackup.output.safeParse(answer).data ?? {}
    return percent === undefined && figures === undefined ? [] : [{ kind: 'dumped', id, percent, figures }]
  }
  const waiting = tasks.StartBackup.output.safeParse(answer).data
  if (waiting === undefined || 'jobRef' in waiting) return []
  return [{ kind: 'waits-to-dump', id, reason: waiting.reason }]
}
