/**
 * The archives that lie under one id, by whose they are. An id that is given again belongs to another guest, and the
 * archives of the one before are the last copies of it. Pure.
 */
import type { ManifestFacts } from '../../contracts/catalogue.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import { sameGuest } from './guest-identity.ts'

/** What a manifest tells of whose archive it is. All archives of a folder are of one kind of guest. */
export type Traces = Pick<ManifestFacts, 'name' | 'identity' | 'marks' | 'writtenAt'>

/** Archives of one guest. */
export interface Lineage<A> {
  /** Absent where none of its archives offers one. */
  identity?: GuestIdentity
  /** What the guest was called last. */
  name: string
  /** When the last manifest of it was written, by our clock. */
  writtenAt: string
  /** Oldest first. */
  archives: A[]
}

export interface Lineages<A> {
  /** The one with the newest archive last. */
  lineages: Lineage<A>[]
  /** Archives of which nobody can tell whose they are: their manifests are missing or can't be read. Oldest first. */
  strays: A[]
}

interface Placed<A> {
  lineage: Lineage<A>
  traces: Traces
}

/**
 * - An archive with an identity is of the lineage that has it, whatever lies between them: a guest that was restored goes
 *   on where it ended, and so does one that was renamed.
 * - One without joins the archive that follows it, where name and configuration agree. A configuration that is missing
 *   agrees with another missing one, never with an identity.
 * - Any other stands alone: an equal id is no reason to count it to a guest.
 * @param oldestFirst by trusted time
 * @param tracesOf `undefined` where no manifest tells
 */
export function lineagesOf<A>(oldestFirst: readonly A[], tracesOf: (archive: A) => Traces | undefined): Lineages<A> {
  const newestFirst: Lineage<A>[] = []
  const strays: A[] = []
  let following: Placed<A> | undefined
  for (const archive of oldestFirst.toReversed()) {
    const traces = tracesOf(archive)
    if (traces === undefined) {
      strays.unshift(archive)
      continue
    }
    const { name, identity, writtenAt } = traces
    let lineage = lineageFor(traces, newestFirst, following)
    if (lineage === undefined) {
      lineage = { name, writtenAt, archives: [], ...(identity === undefined ? {} : { identity }) }
      newestFirst.push(lineage)
    }
    lineage.archives.unshift(archive)
    if (Date.parse(writtenAt) > Date.parse(lineage.writtenAt)) lineage.writtenAt = writtenAt
    // The witness that one of them knows holds for all.
    if (lineage.identity?.witness === undefined && identity?.witness !== undefined) lineage.identity = identity
    following = { lineage, traces }
  }
  return { lineages: newestFirst.toReversed(), strays }
}

function lineageFor<A>(
  traces: Traces,
  newestFirst: readonly Lineage<A>[],
  following: Placed<A> | undefined,
): Lineage<A> | undefined {
  if (traces.identity !== undefined) {
    // More than one only where a witness is missing: then the nearest.
    const fitting = newestFirst.filter(({ identity }) => sameGuest(identity, traces.identity) === true)
    return fitting.find((lineage) => lineage === following?.lineage) ?? fitting.at(-1)
  }
  return following !== undefined && agrees(traces, following.traces) ? following.lineage : undefined
}

function agrees(one: Traces, following: Traces): boolean {
  const known = one.marks !== undefined || following.identity === undefined
  return known && one.name === following.name && one.marks === following.marks
}

/**
 * - `current`: of the guest that has the id now.
 * - `former`: of one that had it. It is treated like a guest that is gone from its site.
 * - `unclear`: written last, of whom nobody knows, while the site's guest is known. Neither is true of it for sure.
 */
export type Standing = 'current' | 'former' | 'unclear'

/** How each lineage stands, in their order. At most one is current. @param onSite the guest that has the id now, where that is known */
export function standingsOf<A>(lineages: readonly Lineage<A>[], onSite: GuestIdentity | undefined): Standing[] {
  const last = writtenLast(lineages)
  if (onSite === undefined) return lineages.map((lineage) => (lineage === last ? 'current' : 'former'))
  const current = writtenLast(lineages.filter(({ identity }) => sameGuest(identity, onSite) === true))
  return lineages.map((lineage) => {
    if (lineage === current) return 'current'
    return lineage === last && lineage.identity === undefined ? 'unclear' : 'former'
  })
}

function writtenLast<A>(lineages: readonly Lineage<A>[]): Lineage<A> | undefined {
  return lineages.toSorted((one, other) => Date.parse(one.writtenAt) - Date.parse(other.writtenAt)).at(-1)
}
