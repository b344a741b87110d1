/** Whose the archives are that lie under one id, for whoever judges each guest by itself. Pure. */
import type { ManifestFacts } from '../contracts/catalogue.ts'
import type { GuestIdentity } from '../contracts/nouns.ts'
import { type Dated, olderFirst, timeOf } from './archive-time.ts'
import { type Lineage, lineagesOf, type Standing, standingsOf } from './lineage.ts'

export interface TracedArchive extends Dated {
  /** What its manifest tells of its guest and its times. Absent where no manifest tells. */
  facts?: Pick<ManifestFacts, 'name' | 'identity' | 'marks' | 'createdAt' | 'writtenAt' | 'clockOffsetSeconds'>
  /** Why it can't be trusted, a sentence. */
  problem?: string
}

/** A guest that has the id, or had it. */
export interface GuestOfId<A> extends Pick<Lineage<A>, 'name' | 'archives'> {
  standing: Standing
  /** Archives that tell nothing of their guest, and may be newer ones of this one. */
  strays: A[]
}

/** The guests that archives are of, the one with the newest last; and the archives of which nobody can tell. */
export function guestsOfId<A extends TracedArchive>(
  archives: readonly A[],
  onSite: GuestIdentity | undefined,
): { guests: GuestOfId<A>[]; strays: A[] } {
  const { lineages, strays } = lineagesOf(archives.toSorted(olderFirst), tracesOf)
  const standings = standingsOf(lineages, onSite)
  const before = new Map(strays.map((stray) => [stray, lineageBefore(stray, lineages)]))
  const guests = lineages.map((lineage, index) => {
    const standing = standings[index] ?? 'unclear'
    const its = strays.filter((stray) => standing === 'current' || before.get(stray) === lineage)
    return { name: lineage.name, archives: lineage.archives, standing, strays: its }
  })
  return { guests, strays }
}

/** Without facts and without a problem, an archive is one of a guest of which nothing is known but its id. */
export function tracesOf({ facts, problem, at, createdAt }: TracedArchive): TracedArchive['facts'] {
  return facts ?? (problem === undefined ? { name: '', createdAt, writtenAt: at ?? createdAt } : undefined)
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
