import { formatBytes } from './byte-size.ts'

export interface Candidate {
  storage: string
  freeBytes: number
  /** Promised to dumps that are under way. */
  promisedBytes: number
}

/** The storage with most room left, and a sentence that says why. `undefined` when there is none to choose from. */
export function chooseStorage<One extends Candidate>(
  candidates: readonly One[],
): { chosen: One; reason: string } | undefined {
  const left = ({ freeBytes, promisedBytes }: Candidate) => Math.max(0, freeBytes - promisedBytes)
  const [chosen, ...others] = candidates.toSorted(
    (one, other) => left(other) - left(one) || (one.storage < other.storage ? -1 : 1),
  )
  if (chosen === undefined) return undefined
  const room = formatBytes(left(chosen))
  if (others.length === 0)
    return { chosen, reason: `Storage ${chosen.storage}, the only one for backups, ${room} free.` }
  const rest = others.map((other) => `${other.storage} ${formatBytes(left(other))}`).join(', ')
  return { chosen, reason: `Storage ${chosen.storage} has most room for backups, ${room} free (${rest}).` }
}
