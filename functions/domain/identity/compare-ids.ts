/**
 * The order of guests everywhere: ids that are numbers by their value and before all others, those by their text. Equal
 * ids alone are equal: `007` and `7` are two.
 */
export function compareIds(one: string, other: string): number {
  const [oneNumber, otherNumber] = [digitsOf(one), digitsOf(other)]
  if (oneNumber !== undefined && otherNumber !== undefined) {
    // By length first: ids of some platforms have more digits than a number holds.
    return oneNumber.length - otherNumber.length || compareTexts(oneNumber, otherNumber) || compareTexts(one, other)
  }
  if (oneNumber !== undefined || otherNumber !== undefined) return oneNumber === undefined ? 1 : -1
  return compareTexts(one, other)
}

/** Guests by their ids. */
export function byId(one: { id: string }, other: { id: string }): number {
  return compareIds(one.id, other.id)
}

/** Without leading zeros; `undefined` for an id that is no number. */
function digitsOf(id: string): string | undefined {
  return /^\d+$/.test(id) ? id.replace(/^0+(?=\d)/, '') : undefined
}

/** By code units: the same on every machine, whatever its language. */
function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
