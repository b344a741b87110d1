import type { ItemBatcher } from '../definition.ts'
import { evaluationFailure, StateFailure } from '../errors.ts'
import { type Template, unexpectedType } from '../expressions.ts'
import { type Json, jsonBytes } from '../json.ts'
import { LIMITS } from '../limits.ts'
import type { Visit } from '../visit.ts'

/** One child's input and the number of items in it. */
export interface Batch {
  readonly input: Json
  readonly items: number
}

/**
 * Packs items, in order, into inputs of the form `{ BatchInput?, Items }`. A batch is closed by MaxItemsPerBatch or before it would exceed
 * MaxInputBytesPerBatch (256 KiB at most, the limit of any input).
 */
export async function batchItems(
  batcher: ItemBatcher,
  items: readonly Json[],
  visit: Visit,
): Promise<readonly Batch[]> {
  const most = (await positive(batcher.maxItems, visit)) ?? Number.POSITIVE_INFINITY
  const bytes = Math.min((await positive(batcher.maxBytes, visit)) ?? LIMITS.payloadBytes, LIMITS.payloadBytes)
  const batchInput = batcher.batchInput === undefined ? undefined : await visit.evaluate(batcher.batchInput)
  const frame = batchInput === undefined ? {} : { BatchInput: batchInput }
  const emptyBytes = jsonBytes({ ...frame, Items: [] })
  const batches: Batch[] = []
  let current: Json[] = []
  let size = emptyBytes
  const close = () => {
    if (current.length > 0) batches.push({ input: { ...frame, Items: current }, items: current.length })
    current = []
    size = emptyBytes
  }
  for (const item of items) {
    const itemBytes = jsonBytes(item)
    if (emptyBytes + itemBytes > bytes) {
      throw new StateFailure(
        'States.DataLimitExceeded',
        `An item of ${itemBytes} bytes doesn't fit into a batch of at most ${bytes} bytes.`,
      )
    }
    if (current.length >= most || size + itemBytes + (current.length > 0 ? 1 : 0) > bytes) close()
    size += itemBytes + (current.length > 0 ? 1 : 0)
    current.push(item)
  }
  close()
  return batches
}

async function positive(template: Template | undefined, visit: Visit): Promise<number | undefined> {
  if (template === undefined) return undefined
  const value = await visit.evaluate(template)
  if (typeof value !== 'number') throw unexpectedType(template, 'number', value)
  if (Number.isInteger(value) && value >= 1) return value
  throw evaluationFailure(
    `The field '${template.location}' must be a positive integer but was: ${value}`,
    template.location,
  )
}
