/** Texts in a fixed order, for comparing lists whose order means nothing. */
export function sorted(texts: Iterable<string>): string[] {
  return [...texts].toSorted((one, other) => (one < other ? -1 : 1))
}
