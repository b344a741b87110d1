/** Where in a text the values of a document stand. Pure. */

/** A value's place: offsets into the text, and those of what it holds. */
export interface Located {
  start: number
  /** By key or index. */
  parts?: ReadonlyMap<string, LocatedPart>
}

export interface LocatedPart {
  /** Where the key stands; for an entry of a list, the entry itself. */
  key: number
  value: Located
}

/** What a file says, and where. */
export interface ReadDocument {
  value: unknown
  root: Located
}

/** Why a text is no document, and where. Quotes nothing of the text: it may be a secret. */
export interface Flaw {
  offset: number
  cause: string
  fix: string
}

/** As editors count: from 1. */
export interface Place {
  line: number
  column: number
}

export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: offset - lineStart + 1 }
}

/**
 * Where the field of a path stands; of one that isn't there, what it is missing from.
 * @param key a field of it that is meant itself, by its name
 */
export function offsetOf(root: Located, path: readonly PropertyKey[], key?: string): number {
  let here = root
  for (const step of path) {
    const part = here.parts?.get(String(step))
    if (part === undefined) return here.start
    here = part.value
  }
  return (key === undefined ? undefined : here.parts?.get(key)?.key) ?? here.start
}
