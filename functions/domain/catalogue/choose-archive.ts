import { counted } from '../words/counted.ts'
import type { ArchiveAddress } from './archive-address.ts'
import type { CatalogueEntry } from './catalogue.ts'
import type { CataloguedGuest } from './catalogue-guests.ts'

/** The one archive that an address means, and newer ones that were passed over because they aren't whole. */
export interface ChosenArchive {
  guest: CataloguedGuest
  entry: CatalogueEntry
  passedOver: CatalogueEntry[]
}

/** How many guests a sentence names. */
const NAMED = 5

/**
 * The newest whole archive of what an address means. Never a guess: of two guests that fit, none is chosen; and where the
 * guest that has an id now has no archive, that of another guest that had it before isn't taken for it.
 * @param guests what was found at the address
 * @returns the archive, or a sentence that says why there is none to choose, with what to name instead
 */
export function chooseArchive(
  { text, meansFormer }: Pick<ArchiveAddress, 'text' | 'meansFormer'>,
  guests: readonly CataloguedGuest[],
): ChosenArchive | { refused: string } {
  const meant = meansFormer ? guests : guests.filter(({ former }) => !former)
  const [guest, ...others] = meant
  if (guest === undefined && guests.length > 0) {
    return {
      refused: `${text} has no archive of that time, but other guests that had the id before do: ${names(guests)}. Name one of them by its name, or its archive.`,
    }
  }
  if (guest === undefined) return { refused: `There is no archive of ${text}, or none of that time.` }
  if (others.length > 0) {
    return {
      refused: `${text} may be any of ${meant.length} guests: ${names(meant)}. Name the site and kind, or the archive.`,
    }
  }
  const entry = guest.entries.findLast(({ state }) => state === 'complete')
  if (entry === undefined) {
    const last = guest.entries.at(-1)
    return {
      refused: `${counted(guest.entries.length, 'archive')} of ${nameOf(guest)}, and none is whole. The newest is ${last?.state ?? 'gone'}: ${last?.reason ?? ''}`,
    }
  }
  return { guest, entry, passedOver: guest.entries.slice(guest.entries.indexOf(entry) + 1) }
}

function names(guests: readonly CataloguedGuest[]): string {
  const further = guests.length > NAMED ? ` and ${guests.length - NAMED} more` : ''
  return `${guests.slice(0, NAMED).map(nameOf).join(', ')}${further}`
}

function nameOf({ site, guest, name }: CataloguedGuest): string {
  return `${site}/${guest.kind}-${guest.id}${name === '' ? '' : ` (${name})`}`
}
