/**
 * The results of `work` over a stream, in the stream's order, with at most `width` items under way: memory is bounded
 * by the width, and a slow item delays but doesn't stop those after it. The first failure ends it.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, void> {
  const underWay: Promise<Result>[] = []
  for await (const item of items) {
    const result = work(item)
    // It is awaited later. Until then, a failure must not count as unhandled.
    result.catch(() => undefined)
    underWay.push(result)
    const first = underWay.length >= width ? underWay.shift() : undefined
    if (first !== undefined) yield await first
  }
  for (const result of underWay) yield await result
}

/** Lets at most `width` pieces of work run at a time; the others wait in order. */
export function turnstile(width: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let free = width
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
