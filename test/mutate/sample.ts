/** Some of a list by a seed, in the order of the list: the same seed gives the same ones. */
export function sample<Item>(items: readonly Item[], count: number, seed: number): Item[] {
  if (items.length <= count) return [...items]
  const next = numbers(seed)
  const drawn = items.map((item, index) => ({ item, index, lot: next() }))
  return drawn
    .toSorted((one, other) => one.lot - other.lot)
    .slice(0, count)
    .toSorted((one, other) => one.index - other.index)
    .map(({ item }) => item)
}

/** Numbers below one, evenly spread (mulberry32, public domain). */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
