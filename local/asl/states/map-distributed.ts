import type { DistributedOptions, MapState } from '../definition.ts'
import { Cancelled, evaluationFailure, StateFailure } from '../errors.ts'
import { ExecutionRun } from '../execution-run.ts'
import { type Template, unexpectedType } from '../expressions.ts'
import type { Json } from '../json.ts'
import { LIMITS, requirePayloadSize } from '../limits.ts'
import type { Step, Visit } from '../visit.ts'
import { type Batch, batchItems } from './item-batcher.ts'
import { readItems } from './item-reader.ts'
import { concurrencyOf, itemsOf } from './map-inline.ts'
import { type ChildOutcome, type MapRun, resultOf, writeResults, writerPlace } from './result-writer.ts'

/** One attempt of a distributed Map: each item or batch becomes a child execution with a history and variables of its own. */
export async function mapDistributed(state: MapState, options: DistributedOptions, visit: Visit): Promise<Step> {
  const { run, frame } = visit
  const given = options.reader === undefined ? await itemsOf(state, visit) : undefined
  const concurrency = await concurrencyOf(state, visit, LIMITS.distributedMapConcurrency)
  const tolerance = await toleranceOf(options, visit)
  const place = options.writer === undefined ? undefined : await writerPlace(options.writer, visit)
  const label = options.label ?? run.newId()
  const id = run.newId()
  const stateMachineArn = `${run.world.machineArn}/${label}`
  const mapRun: MapRun = { id, stateMachineArn, arn: `${stateMachineArn.replace(':stateMachine:', ':mapRun:')}:${id}` }
  visit.record('MapStateStarted', { length: given?.length ?? 0 })
  visit.record('MapRunStarted', { mapRunArn: mapRun.arn })
  try {
    // What AWS calls this error isn't documented; it stands for any that the role is to blame for.
    const refused = run.world.refuses?.('states:StartExecution', run.world.machineArn)
    if (refused !== undefined) throw new StateFailure('StepFunctions.AWSStepFunctionsException', refused)
    const items = given ?? (await readItems(options.reader ?? raiseNoReader(), visit))
    const batches = await inputsOf(state, options, items, visit)
    const { outcomes, interrupted } = await runChildren(state, batches, { concurrency, tolerance, label }, visit)
    // What failed is written too: the files are where one looks for the reason.
    const written =
      options.writer === undefined || place === undefined
        ? undefined
        : await writeResults(options.writer, place, outcomes, mapRun, visit)
    if (tolerance(failedItems(outcomes), items.length)) {
      throw new StateFailure(
        'States.ExceedToleratedFailureThreshold',
        'The specified tolerated failure threshold was exceeded',
        { interrupt: interrupted },
      )
    }
    const result = written ?? resultOf(outcomes, options.writer?.transformation ?? 'COMPACT', mapRun)
    requirePayloadSize(result, `The state/task '${state.name}' returned a result`)
    const succeeded = run.history.record('MapRunSucceeded', frame.thread.last)
    run.history.record('MapStateSucceeded', succeeded)
    return await visit.leave(state, result, state.next, { result })
  } catch (error) {
    if (error instanceof Cancelled) visit.record('MapRunAborted')
    if (!(error instanceof StateFailure)) throw error
    const failure = visit.place(error)
    visit.record('MapRunFailed', { error: failure.error, cause: failure.failureCause })
    throw failure
  }
}

function raiseNoReader(): never {
  throw new TypeError('a distributed Map has Items, an ItemReader or an array as input')
}

/** ItemSelector works on each item, then ItemBatcher packs what it gave. */
async function inputsOf(
  state: MapState,
  options: DistributedOptions,
  items: readonly Json[],
  visit: Visit,
): Promise<readonly Batch[]> {
  const selected: Json[] = []
  for (const [index, value] of items.entries()) {
    if (state.itemSelector === undefined) selected.push(value)
    else selected.push(await visit.evaluate(state.itemSelector, { mapItem: { Index: index, Value: value } }))
  }
  if (options.batcher !== undefined) return batchItems(options.batcher, selected, visit)
  for (const input of selected) requirePayloadSize(input, `The state/task '${state.name}' selected an item`)
  return selected.map((input) => ({ input, items: 1 }))
}

interface ChildrenOptions {
  readonly concurrency: number
  readonly tolerance: (failed: number, total: number) => boolean
  readonly label: string
}

interface Children {
  readonly outcomes: readonly ChildOutcome[]
  /** A graceful stop fell into this Map's time. */
  readonly interrupted: boolean
}

/**
 * Runs the children until all have ended, too many have failed (the others are stopped), the line is cut (all are stopped), or a graceful stop
 * comes (those that run clean up and end; no other is started).
 */
async function runChildren(
  state: MapState,
  batches: readonly Batch[],
  { concurrency, tolerance, label }: ChildrenOptions,
  visit: Visit,
): Promise<Children> {
  const { run, frame } = visit
  const total = batches.reduce((sum, batch) => sum + batch.items, 0)
  const outcomes: ChildOutcome[] = []
  let next = 0
  let failed = 0
  let interrupt = run.interruption.deliver()
  const stopAll = () => {
    for (const child of run.children) if (mine.has(child)) child.stop({ status: 'ABORTED' })
  }
  const mine = new Set<ExecutionRun>()
  frame.signal.addEventListener('abort', stopAll)

  const mayStart = () => {
    interrupt ??= run.interruption.deliver()
    return next < batches.length && interrupt === undefined && !frame.signal.aborted && !tolerance(failed, total)
  }
  const runSlot = async (): Promise<void> => {
    while (mayStart()) {
      const index = next
      next += 1
      const batch = batches[index]
      if (batch === undefined) return
      const child = new ExecutionRun(run.world, state.processor, batch.input, { name: run.newId(), label })
      mine.add(child)
      run.children.add(child)
      try {
        const result = await child.run()
        outcomes[index] = {
          arn: child.arn,
          name: child.name,
          input: batch.input,
          items: batch.items,
          startedAt: child.startedAt,
          stoppedAt: child.stoppedAt,
          result,
        }
        if (result.status !== 'SUCCEEDED') failed += batch.items
        if (tolerance(failed, total) && !run.interruption.marked) stopAll()
      } finally {
        run.children.delete(child)
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, batches.length) }, runSlot))
  } finally {
    frame.signal.removeEventListener('abort', stopAll)
    stopAll()
  }
  frame.signal.throwIfAborted()
  interrupt ??= run.interruption.deliver()
  for (const [index, batch] of batches.entries()) {
    outcomes[index] ??= {
      arn: `${run.arn}/${label}/not-started-${index}`,
      name: '',
      input: batch.input,
      items: batch.items,
      startedAt: undefined,
      stoppedAt: undefined,
      result: {
        status: 'PENDING',
        error: interrupt?.error ?? 'States.ExceedToleratedFailureThreshold',
        cause: interrupt?.failureCause ?? 'The child was not started.',
      },
    }
  }
  // The children have cleaned up after themselves: what follows the Map at the top level (a report) runs undisturbed.
  if (interrupt !== undefined && frame.topLevel) run.interruption.clear()
  return { outcomes, interrupted: interrupt !== undefined }
}

function failedItems(outcomes: readonly ChildOutcome[]): number {
  return outcomes.reduce((sum, { result, items }) => sum + (result.status === 'SUCCEEDED' ? 0 : items), 0)
}

/** Says of a number of failed items whether it is too many. Without either field none is tolerated; with both, the stricter one decides. */
async function toleranceOf(
  options: DistributedOptions,
  visit: Visit,
): Promise<(failed: number, total: number) => boolean> {
  const count = await threshold(options.toleratedFailureCount, visit, Number.MAX_SAFE_INTEGER)
  const percentage = await threshold(options.toleratedFailurePercentage, visit, 100)
  if (count === undefined && percentage === undefined) return (failed) => failed > 0
  return (failed, total) =>
    (count !== undefined && failed > count) || (percentage !== undefined && failed * 100 > percentage * total)
}

async function threshold(template: Template | undefined, visit: Visit, most: number): Promise<number | undefined> {
  if (template === undefined) return undefined
  const value = await visit.evaluate(template)
  if (typeof value !== 'number') throw unexpectedType(template, 'number', value)
  if (value >= 0 && value <= most) return value
  throw evaluationFailure(
    `The field '${template.location}' must be between 0 and ${most} but was: ${value}`,
    template.location,
  )
}
