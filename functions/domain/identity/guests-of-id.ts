/** Whose the archives are that lie under one id, for anyone who judges each guest by itself. Pure. */
import type { ManifestFacts } from '../../contracts/catalogue.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import { type Dated, olderFirst, timeOf } from '../time/archive-time.ts'
import { type Lineage, lineagesOf, type Standing, standingsOf } from './lineage.ts'

/** What a manifest tells of its archive's guest and times. */
export type Origin = Pick<
  ManifestFacts,
  'name' | 'identity' | 'marks' | 'createdAt' | 'writtenAt' | 'clockOffsetSeconds'
>

export interface TracedArchive extends Dated {
  /** Absent where no manifest tells. */
  facts?: Origin
}

/** A guest that has the id, or had it. */
export interface GuestOfId<A> extends Pick<Lineage<A>, 'name' | 'archives' | 'identity'> {
  standing: Standing
  /** Archives that tell nothing of their guest, and may be newer ones of this one. */
  strays: A[]
}

/**
 * The guests that archives are of, the one with the newest last; and the archives of which nobody can tell.
 * @param onSite who has the id now, where that is known
 */
export function guestsOfId<A extends TracedArchive>(
  archives: readonly A[],
  onSite: GuestIdentity | undefined,
  originOf: (archive: A) => Origin | undefined = ({ facts }) => facts,
): { guests: GuestOfId<A>[]; strays: A[] } {
  const { lineages, strays } = lineagesOf(archives.toSorted(olderFirst), originOf)
  const standings = standingsOf(lineages, onSite)
  const before = new Map(strays.map((stray) => [stray, lineageBefore(stray, lineages)]))
  const guests = lineages.map((lineage, index): GuestOfId<A> => {
    const standing = standings[index] ?? 'unclear'
    const its = strays.filter((stray) => standing === 'current' || before.get(stray) === lineage)
    const { name, identity, archives } = lineage
    return { name, ...(identity === undefined ? {} : { identity }), archives, standing, strays: its }
  })
  return { guests, strays }
}

/** The guest that has the id. One of whom nothing is known stands for it only where no archive is known to be of it. */
export function presentGuest<A>(guests: readonly GuestOfId<A>[]): GuestOfId<A> | undefined {
  const standing = (wanted: Standing) => guests.find((guest) => guest.standing === wanted)
  return standing('current') ?? standing('unclear')
}

function lineageBefore<A extends Dated>(stray: A, lineages: readonly Lineage<A>[]): Lineage<A> | undefined {
  return lineages
    .flatMap((lineage) => lineage.archives.map((archive) => ({ lineage, time: timeOf(archive) })))
    .filter(({ time }) => time <= timeOf(stray))
    .toSorted((one, other) => one.time - other.time)
    .at(-1)?.lineage
}

/** `another guest that had this id, payroll-db` */
export function formerGuest(name: string): string {
  return `another guest that had this id${name === '' ? '' : `, ${name}`}`
}
