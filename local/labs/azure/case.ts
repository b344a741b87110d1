/** Ids come back in changing case, as Azure gives them: a client that compares them as they are is found out. */

const ID = /^\/subscriptions\//i

function changed(id: string, turn: number): string {
  if (turn % 3 === 0) return id
  const words = id.split('/')
  if (turn % 3 === 1)
    return words.map((word, place) => (place === 4 || place === words.length - 1 ? word.toUpperCase() : word)).join('/')
  return words.map((word, place) => (place === 3 || place === 4 ? word.toLowerCase() : word)).join('/')
}

/** The same answer, its ids in the case of this turn. */
export function changedCase(value: unknown, turn: number): unknown {
  if (typeof value === 'string') return ID.test(value) ? changed(value, turn) : value
  if (Array.isArray(value)) return value.map((each) => changedCase(each, turn))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changedCase(each, turn)]))
}
