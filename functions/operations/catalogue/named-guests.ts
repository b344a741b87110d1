import { ArchiveUnknown } from '../../contracts/errors.ts'
import type { GuestKind } from '../../contracts/nouns.ts'
import { guestAddress } from '../../domain/identity/guest-address.ts'
import type { Ports } from '../ports.ts'
import { findGuests } from './find-archive.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** The id under which a guest's archives lie. */
export interface GuestPlace {
  site?: string
  kind?: GuestKind
  id: string
}

/**
 * Where the archives of a guest lie that a person names as in any other command. A number needs no look into the bucket;
 * a name does, and means the guest that has it now.
 * @throws ArchiveUnknown when no guest has that name, or several have; UnknownSite
 */
export async function placeOfGuest(text: string, site: string | undefined, ports: Needs): Promise<GuestPlace> {
  const address = guestAddress(text)
  const where = address.site ?? site
  if (address.site !== undefined && site !== undefined && address.site !== site) {
    throw new ArchiveUnknown(`${text} is of site ${address.site}, and --site says ${site}: name one of them.`)
  }
  if (address.id !== undefined) {
    const { id, kind } = address
    return { id, ...(where === undefined ? {} : { site: where }), ...(kind === undefined ? {} : { kind }) }
  }
  const { guests } = await findGuests(text, { site: where }, ports)
  const present = guests.filter(({ former }) => !former)
  const [guest, ...others] = present
  if (guest === undefined) throw new ArchiveUnknown(`There is no archive of a guest that is called ${text} now.`)
  if (others.length > 0) {
    const all = present.map((one) => `${one.site}/${one.guest.kind}-${one.guest.id}`)
    throw new ArchiveUnknown(`${text} may be any of ${all.join(', ')}: name one of them.`)
  }
  return { site: guest.site, ...guest.guest }
}
