/** A range of a script as V8 counts it. Ranges lie within each other. */
export interface Range {
  startOffset: number
  endOffset: number
  count: number
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
