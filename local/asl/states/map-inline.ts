import type { MapState } from '../definition.ts'
import { Cancelled, evaluationFailure, StateFailure } from '../errors.ts'
import { unexpectedType } from '../expressions.ts'
import type { Thread } from '../history.ts'
import type { Json } from '../json.ts'
import { LIMITS, requirePayloadSize } from '../limits.ts'
import { Variables } from '../variables.ts'
import type { Step, Visit } from '../visit.ts'
import { fanOut } from './fan-out.ts'

/** One attempt of an inline Map: its iterations are part of the execution and of its history. */
export async function mapInline(state: MapState, visit: Visit): Promise<Step> {
  const { frame, run } = visit
  const items = await itemsOf(state, visit)
  const concurrency = await concurrencyOf(state, visit, LIMITS.inlineMapConcurrency)
  const started = visit.record('MapStateStarted', { length: items.length })
  // Each slot's iterations follow one another; the first of each follows the Map's start.
  const slots: Thread[] = []
  const result = await fanOut({
    count: items.length,
    concurrency,
    signal: frame.signal,
    letFinish: () => run.interruption.marked,
    part: async (index, slot, signal) => {
      const thread: Thread = { last: slots[slot]?.last ?? started }
      slots[slot] = thread
      return iteration(state, visit, { index, value: items[index] ?? null, signal, thread })
    },
  })
  requirePayloadSize(result, `The state/task '${state.name}' returned a result`)
  run.interruption.dealtWith(frame.topLevel)
  run.history.record('MapStateSucceeded', frame.thread.last)
  return visit.leave(state, result, state.next, { result })
}

interface Iteration {
  readonly index: number
  readonly value: Json
  readonly signal: AbortSignal
  readonly thread: Thread
}

async function iteration(state: MapState, visit: Visit, { index, value, signal, thread }: Iteration): Promise<Json> {
  const { frame, run } = visit
  const about = { name: state.name, index }
  run.history.append(thread, 'MapIterationStarted', about)
  const mapItem = { Index: index, Value: value }
  try {
    const input = state.itemSelector === undefined ? value : await visit.evaluate(state.itemSelector, { mapItem })
    requirePayloadSize(input, `The state/task '${state.name}' selected an item`)
    const output = await run.world.runGraph(state.processor, input, {
      ...frame,
      signal,
      thread,
      topLevel: false,
      mapItem,
      variables: new Variables(frame.variables),
    })
    frame.thread.last = run.history.record('MapIterationSucceeded', thread.last, about)
    return output
  } catch (error) {
    if (error instanceof StateFailure) {
      const failure = visit.place(error)
      if (!failure.terminal) frame.thread.last = run.history.append(thread, 'MapIterationFailed', about)
      throw failure
    }
    if (error instanceof Cancelled) run.history.append(thread, 'MapIterationAborted', about)
    throw error
  }
}

/** The items of a Map without reader: Items, or the state's input, which then must be an array. */
export async function itemsOf(state: MapState, visit: Visit): Promise<readonly Json[]> {
  if (state.items === undefined) {
    if (isArray(visit.input)) return visit.input
    throw evaluationFailure(`Map state input must be an array but was: ${JSON.stringify(visit.input)}`)
  }
  const items = await visit.evaluate(state.items)
  if (isArray(items)) return items
  throw unexpectedType(state.items, 'array', items)
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** Zero and absence mean the most that is possible. */
export async function concurrencyOf(state: MapState, visit: Visit, most: number): Promise<number> {
  if (state.maxConcurrency === undefined) return most
  const wanted = await visit.evaluate(state.maxConcurrency)
  if (typeof wanted !== 'number') throw unexpectedType(state.maxConcurrency, 'number', wanted)
  if (!Number.isInteger(wanted) || wanted < 0) {
    throw evaluationFailure(
      `The MaxConcurrency field must be a non-negative integer but was: ${wanted}`,
      state.maxConcurrency.location,
    )
  }
  return wanted === 0 ? most : Math.min(wanted, most)
}
