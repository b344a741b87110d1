import { isObject } from '../json.ts'

/** Stand-ins that the recordings have in place of instants. */
const MASKED_INSTANTS = new Set(['date', 'timestamp'])
const PLACEHOLDER = /<[^<>]+>/

/** Whether a value equals a recorded one, where the recording's placeholders (`date`, `<request_id>`) stand for any text. */
export function agrees(recorded: unknown, actual: unknown): boolean {
  if (typeof recorded === 'string') return typeof actual === 'string' && textAgrees(recorded, actual)
  if (Array.isArray(recorded)) {
    return (
      Array.isArray(actual) &&
      recorded.length === actual.length &&
      recorded.every((item, index) => agrees(item, actual[index]))
    )
  }
  if (isObject(recorded)) {
    if (!isObject(actual)) return false
    const keys = Object.keys(recorded)
    return (
      keys.length === Object.keys(actual).length &&
      keys.every((key) => key in actual && agrees(recorded[key], actual[key]))
    )
  }
  return Object.is(recorded, actual)
}

function textAgrees(recorded: string, actual: string): boolean {
  if (recorded === actual || MASKED_INSTANTS.has(recorded)) return true
  if (!PLACEHOLDER.test(recorded)) return false
  const pattern = recorded
    .split(/<[^<>]+>/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.+')
  return new RegExp(`^${pattern}$`, 's').test(actual)
}

export interface EnteredState {
  readonly id: number
  readonly previousEventId: number
  readonly type: string
  readonly name: string | undefined
  readonly index: number | undefined
}

/**
 * The order in which states were entered. Branches and iterations that run side by side interleave differently from run to run, so when the plain
 * orders differ, each branch's own order must be the same: the chains of previousEventId tell them apart.
 */
export function orderDifference(
  recorded: readonly EnteredState[],
  actual: readonly EnteredState[],
  concurrent: boolean,
): string | undefined {
  const names = (events: readonly EnteredState[]) =>
    events.filter((event) => event.type.endsWith('StateEntered')).map((event) => event.name ?? '')
  const [wanted, got] = [names(recorded), names(actual)]
  if (agrees(wanted, got)) return undefined
  if (concurrent && agrees(chains(recorded).toSorted(), chains(actual).toSorted())) return undefined
  return `states entered: recorded ${wanted.join(' → ')}; here ${got.join(' → ')}`
}

/** For each entered state the names that lead to it. An iteration's chain starts at its Map, whichever slot it ran in. */
function chains(events: readonly EnteredState[]): string[] {
  const byId = new Map(events.map((event) => [event.id, event]))
  const path = (event: EnteredState): string => {
    let previous = byId.get(event.previousEventId)
    if (event.type === 'MapIterationStarted') {
      while (previous !== undefined && previous.type !== 'MapStateStarted')
        previous = byId.get(previous.previousEventId)
      return `${previous === undefined ? '' : path(previous)}[${event.index}]`
    }
    const before = previous === undefined ? '' : path(previous)
    return event.type.endsWith('StateEntered') ? `${before}/${event.name}` : before
  }
  return events.filter((event) => event.type.endsWith('StateEntered')).map(path)
}
