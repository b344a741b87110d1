/** A range of a script as V8 counts it. Ranges lie within each other. */
export interface Range {
  startOffset: number
  endOffset: number
  count: number
}

/**
 * The ranges of some functions, of which the first is the whole function. What follows an `await` or a `yield` that was
 * passed by counts as not run there (V8 13.6: it opens a range that lasts to the end): of such functions, the first says all.
 */
export function rangesOf(functions: readonly { ranges: readonly Range[] }[], source: string): Range[] {
  return functions.flatMap(({ ranges }) => {
    const [whole] = ranges
    const suspends = whole !== undefined && /\b(?:await|yield)\b/.test(source.slice(whole.startOffset, whole.endOffset))
    return suspends ? [whole] : ranges
  })
}

/** Of nested ranges the innermost says what ran: flat pieces with a count above zero. */
export function reached(ranges: readonly Range[]): (readonly [number, number])[] {
  const sorted = ranges.toSorted((one, other) => one.startOffset - other.startOffset || other.endOffset - one.endOffset)
  const edges = [...new Set(sorted.flatMap(({ startOffset, endOffset }) => [startOffset, endOffset]))].toSorted(
    (one, other) => one - other,
  )
  const pieces: [number, number][] = []
  for (const [index, start] of edges.entries()) {
    const end = edges[index + 1]
    if (end === undefined) break
    const innermost = sorted.findLast((range) => range.startOffset <= start && end <= range.endOffset)
    if (innermost === undefined || innermost.count === 0) continue
    const last = pieces.at(-1)
    if (last?.[1] === start) last[1] = end
    else pieces.push([start, end])
  }
  return pieces
}
