import { foreignFact, noRoomFact, takenFact } from './target-facts.ts'
import type { Place } from './place.ts'
import type { Target } from './writer.ts'

/** One name in the target's folder, links not followed. `own` is left out where the way can't tell. */
export interface FoundFile {
  sizeBytes: number
  /** Bytes that it takes up, where the way can tell: less than its size where it has holes. */
  allocatedBytes?: number
  regular: boolean
  own?: boolean
}

export interface FoundPlace {
  temporary?: FoundFile | undefined
  final?: FoundFile | undefined
  freeBytes?: number | undefined
}

export interface Landing {
  found: { sizeBytes: number } | undefined
  /** There is a file of the final name, and no other: whether it is the whole one, its bytes say. */
  finished: boolean
}

/**
 * Where a file's bytes are to be looked for, from what lies at its place. A file that has the final name, with the right
 * size and nothing beside it, may be the whole one: its bytes will say.
 * @throws TargetTaken, TargetUnwritable, TargetFull
 */
export function landing(
  place: Place,
  where: string,
  target: Target,
  { temporary, final, freeBytes }: FoundPlace,
): Landing {
  if (temporary !== undefined && (!temporary.regular || temporary.own === false)) {
    throw foreignFact(place.temporary, where, temporary.regular ? 'another user has it' : 'not a regular file')
  }
  if (final !== undefined && (!final.regular || final.sizeBytes !== target.sizeBytes)) {
    throw takenFact(place.final, where)
  }
  if (temporary === undefined && final !== undefined) return { found: undefined, finished: true }
  const neededBytes = target.sizeBytes - (temporary?.allocatedBytes ?? temporary?.sizeBytes ?? 0)
  if (freeBytes !== undefined && neededBytes > freeBytes) throw noRoomFact(place.folder, where, neededBytes, freeBytes)
  return {
    found: temporary === undefined ? undefined : { sizeBytes: temporary.sizeBytes },
    finished: false,
  }
}
