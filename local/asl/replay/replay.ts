import { VirtualClock } from '../clock.ts'
import type { Graph } from '../definition.ts'
import { DefinitionError } from '../errors.ts'
import { type HistoryEvent, loadStateMachine, startExecution } from '../interpreter.ts'
import type { Json } from '../json.ts'
import { agrees, orderDifference } from './comparison.ts'
import { reconstruct } from './reconstruction.ts'
import { recordedTasks } from './recorded-tasks.ts'
import { type RecordedCase, type RecordedEvent, recordedEnding } from './recording.ts'

export interface CaseVerdict {
  readonly id: string
  /** Status here, of each history (one word when all are the same); REFUSED when the definition can't be loaded. */
  readonly status: string
  readonly agrees: boolean
  readonly difference: string | null
  /** What the recording lacked and the history gave back. */
  readonly reconstructed: readonly string[]
}

/** Runs a recorded definition with each history's input and task results, and compares status, output or error and cause, and the order of states. */
export async function replayCase(recorded: RecordedCase): Promise<CaseVerdict> {
  const statuses: string[] = []
  const differences: string[] = []
  const notes: string[] = []
  for (const [index, history] of recorded.histories.entries()) {
    const verdict = await replayHistory(recorded.definition, history)
    statuses.push(verdict.status)
    notes.push(...verdict.notes)
    const where = recorded.histories.length > 1 ? `history ${index}: ` : ''
    differences.push(...verdict.differences.map((difference) => where + difference))
  }
  return {
    id: recorded.id,
    status: [...new Set(statuses)].join(', '),
    agrees: differences.length === 0,
    difference: differences.length === 0 ? null : differences.join('; '),
    reconstructed: notes,
  }
}

export interface HistoryVerdict {
  readonly status: string
  readonly differences: readonly string[]
  readonly notes: readonly string[]
  readonly events: readonly HistoryEvent[]
}

export async function replayHistory(definition: Json, history: readonly RecordedEvent[]): Promise<HistoryVerdict> {
  const { definition: filled, input, store, notes } = reconstruct(definition, history)
  const clock = new VirtualClock()
  const role = history[0]?.details['roleArn']
  try {
    const machine = loadStateMachine(filled, { supports: () => true })
    const execution = startExecution(machine, input, {
      clock,
      random: () => 0.5,
      tasks: recordedTasks(history, clock),
      s3: store,
      account: { id: '111111111111', region: 'eu-central-1', roleArn: typeof role === 'string' ? role : '' },
    })
    const result = await execution.result
    const wanted = recordedEnding(history)
    const differences: string[] = []
    const compare = (what: string, expected: unknown, actual: unknown) => {
      if (!agrees(expected, actual)) {
        differences.push(`${what}: recorded ${show(expected)}; here ${show(actual)}`)
      }
    }
    compare('status', wanted.status, result.status)
    if (wanted.output !== undefined) compare('output', wanted.output, result.output)
    compare('error', wanted.error, result.error)
    compare('cause', wanted.cause, typeof wanted.cause === 'string' ? result.cause : parsed(result.cause))
    const order = orderDifference(
      history.map((event) => entered(event, event.details)),
      execution.history.map((event) => entered(event, event.details)),
      isConcurrent(machine.graph),
    )
    if (order !== undefined) differences.push(order)
    return { status: result.status, differences, notes, events: execution.history }
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    return { status: 'REFUSED', differences: [error.message], notes, events: [] }
  }
}

function entered(
  event: { readonly id: number; readonly previousEventId: number; readonly type: string },
  details: Readonly<Record<string, unknown>>,
) {
  const { name, index } = details
  return {
    id: event.id,
    previousEventId: event.previousEventId,
    type: event.type,
    name: typeof name === 'string' ? name : undefined,
    index: typeof index === 'number' ? index : undefined,
  }
}

/** Whether states may be entered in more than one order. */
function isConcurrent(graph: Graph): boolean {
  return [...graph.states.values()].some((state) => {
    if (state.type === 'Parallel') return true
    if (state.type !== 'Map' || state.distributed !== undefined) return false
    const one = state.maxConcurrency?.kind === 'constant' && state.maxConcurrency.value === 1
    return !one || isConcurrent(state.processor)
  })
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return text
  }
}
