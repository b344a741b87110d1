/** Which guests are to be rehearsed now, in which order, and where. Pure. */
import type { RehearsalBook } from '../../contracts/drill.ts'
import type { Guest, GuestIdentity } from '../../contracts/nouns.ts'
import { type CatalogueEntry, type GuestArchives, isCold } from '../catalogue/catalogue.ts'
import { guestsOfId, presentGuest } from '../identity/guests-of-id.ts'
import { timeOf } from '../time/archive-time.ts'
import { duration } from '../time/duration.ts'
import { rehearsalsOf } from './rehearsal-book.ts'

const DAY_MILLISECONDS = 86_400_000

/** A guest that the request chooses, as it is on its site now. */
export interface ChosenGuest extends Pick<Guest, 'id' | 'kind' | 'name'> {
  identity?: GuestIdentity | undefined
}

export interface DueDrill {
  guest: Pick<Guest, 'id' | 'kind' | 'name'>
  /** Key of the archive's folder. */
  folder: string
  /** That the archive was made on. */
  node: string
  /** A sentence. */
  reason: string
  /** When it was last tried, in milliseconds; 0: never. Whoever waited longest comes first. */
  lastTried: number
}

/** `without`: it never had an archive that is still there. Coverage reports that; it is no failure of a rehearsal. */
export type DrillDue = DueDrill | { unfit: string } | { without: string } | 'not-due'

/**
 * Is a guest due, and which archive is rehearsed? The newest whole one: a rehearsal of an older one would prove what nobody
 * would restore. A guest that failed is due again, behind those that wait longer.
 * @param until only archives on or before this instant
 */
export function drillDue(
  chosen: ChosenGuest,
  archives: GuestArchives | undefined,
  book: RehearsalBook,
  { everyDays, until }: { everyDays: number; until?: string | undefined },
  now: Date,
): DrillDue {
  const { kind, id } = chosen
  const last = rehearsalsOf(book, chosen)
  const passedAt = last?.lastPassed === undefined ? undefined : Date.parse(last.lastPassed.at)
  const sincePassed = passedAt === undefined ? undefined : now.getTime() - passedAt
  // One in the future says nothing: our own clock wrote it, and it was wrong then or is now.
  const isYoung = sincePassed !== undefined && sincePassed >= 0 && sincePassed < everyDays * DAY_MILLISECONDS
  // A later failure weighs more than an earlier success.
  const isFresh = isYoung && last?.last.passed === true
  if (isFresh) return 'not-due'
  const entry = rehearsable(chosen, archives, until)
  if (!('facts' in entry)) return entry
  const { name, node } = entry.facts
  return {
    guest: { id, kind, name: chosen.name === '' ? name : chosen.name },
    folder: entry.folder,
    node,
    reason: isYoung
      ? 'Its last rehearsal failed.'
      : sincePassed === undefined
        ? 'It was never rehearsed with success.'
        : `Its last rehearsal that passed was ${duration(Math.max(0, sincePassed))} ago.`,
    lastTried: last === undefined ? 0 : Date.parse(last.last.at),
  }
}

/** The newest whole archive of the guest that has the id; or why there is none to rehearse. */
function rehearsable(
  { kind, id, name, identity }: ChosenGuest,
  archives: GuestArchives | undefined,
  until: string | undefined,
): (CatalogueEntry & Required<Pick<CatalogueEntry, 'facts'>>) | { unfit: string } | { without: string } {
  const who = `${kind} ${id}${name === '' ? '' : ` (${name})`}`
  const before = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
  const present = presentGuest(guestsOfId(archives?.entries ?? [], identity).guests)
  if ((present?.archives ?? []).length === 0) return { without: `${who} has no archive.` }
  const entries = (present?.archives ?? []).filter((entry) => timeOf(entry) <= before)
  const newest = entries.toSorted((one, other) => timeOf(one) - timeOf(other)).findLast(isWhole)
  if (newest === undefined) return { unfit: `${who} has no archive that can be restored.` }
  if (newest.verification?.state === 'failed') {
    return { unfit: `${who}: its newest archive was refused when it was read back. Look at ${newest.folder}.` }
  }
  if (isCold(newest)) {
    const place = `its newest archive lies in ${newest.storageClass}`
    return { unfit: `${who}: ${place}. Thaw it, and rehearse it with guestlift restore.` }
  }
  return newest
}

function isWhole(entry: CatalogueEntry): entry is CatalogueEntry & Required<Pick<CatalogueEntry, 'facts'>> {
  return entry.state === 'complete' && entry.facts !== undefined
}

/** A rehearsal with the id and the node that it takes. */
export interface PlacedDrill extends DueDrill {
  scratchId: string
}

/**
 * Those that waited longest, as many as are asked for, each with a free id. None goes to a node on which a rehearsal of
 * another drill is under way.
 * @param range both ends inclusive
 */
export function placeDrills(
  due: readonly DueDrill[],
  {
    most,
    node,
    range,
    taken,
    busyNodes,
  }: {
    most: number
    /** Of the request: in the place of the archives' own. */
    node?: string | undefined
    range: { first: number; last: number }
    /** Ids of guests and of restores that are under way. */
    taken: ReadonlySet<string>
    busyNodes: ReadonlySet<string>
  },
): { placed: PlacedDrill[]; postponed: number; notes: string[] } {
  const ordered = due.toSorted(
    (one, other) => one.lastTried - other.lastTried || one.folder.localeCompare(other.folder),
  )
  const free = freeIds(range, taken, most)
  const placed: PlacedDrill[] = []
  const busy = new Set<string>()
  for (const drill of ordered) {
    const where = node ?? drill.node
    if (busyNodes.has(where)) {
      busy.add(where)
      continue
    }
    const scratchId = free[placed.length]
    if (placed.length >= most || scratchId === undefined) continue
    placed.push({ ...drill, node: where, scratchId })
  }
  const notes = [...busy].map((name) => `Another drill is at work on node ${name}: nothing was begun there.`)
  if (free.length < Math.min(most, due.length)) {
    notes.push(
      `Of the ids ${range.first}-${range.last}, only ${free.length} are free. Remove what has the others, or widen the range.`,
    )
  }
  return { placed, postponed: due.length - placed.length, notes }
}

function freeIds({ first, last }: { first: number; last: number }, taken: ReadonlySet<string>, most: number): string[] {
  const free: string[] = []
  for (let id = first; id <= last && free.length < most; id += 1) {
    if (!taken.has(String(id))) free.push(String(id))
  }
  return free
}

/** By node: on one node they come one after the other. At most `lanes` of them; what is more joins the shortest. */
export function inLanes<Drill extends { node: string }>(drills: readonly Drill[], lanes: number): Drill[][] {
  const byNode = new Map<string, Drill[]>()
  for (const drill of drills) byNode.set(drill.node, [...(byNode.get(drill.node) ?? []), drill])
  const all: Drill[][] = []
  for (const own of [...byNode.values()].toSorted((one, other) => other.length - one.length)) {
    const shortest = all.toSorted((one, other) => one.length - other.length)[0]
    if (all.length < lanes || shortest === undefined) all.push([...own])
    else shortest.push(...own)
  }
  return all
}
