import { Cancelled } from '../errors.ts'
import type { Json } from '../json.ts'

export interface FanOut {
  readonly count: number
  readonly concurrency: number
  /** The line around it: when it is cut, so are all parts. */
  readonly signal: AbortSignal
  /** Runs one part; `slot` is the place it runs in, from 0 to concurrency - 1. */
  readonly part: (index: number, slot: number, signal: AbortSignal) => Promise<Json>
  /** After a failure: true lets the parts that are running end by themselves, false cuts them. No new part starts in either case. */
  readonly letFinish: () => boolean
}

/** Runs parts side by side and returns their outputs in order. Throws the first failure, after all other parts have ended. */
export async function fanOut({ count, concurrency, signal, part, letFinish }: FanOut): Promise<Json[]> {
  const cut = new AbortController()
  const both = AbortSignal.any([signal, cut.signal])
  const outputs: Json[] = []
  let next = 0
  let failure: { readonly error: unknown } | undefined

  const runSlot = async (slot: number): Promise<void> => {
    while (next < count && failure === undefined) {
      const index = next
      next += 1
      try {
        outputs[index] = await part(index, slot, both)
      } catch (error) {
        // The first failure is the state's; the others follow from it.
        failure ??= { error }
        if (!letFinish()) cut.abort(new Cancelled())
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, concurrency) }, (_, slot) => runSlot(slot)))
  signal.throwIfAborted()
  if (failure !== undefined) throw failure.error
  return outputs
}
