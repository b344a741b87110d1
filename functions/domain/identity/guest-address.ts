/** How people name a guest: the same words for the bucket and for a platform. Pure. */
import type { GuestKind } from '../../contracts/nouns.ts'

/** What a text says of a guest. */
export interface GuestAddress {
  /** The text itself. */
  text: string
  site?: string
  kind?: GuestKind
  /** A number: then it is an id for sure. Anything else may be an id or a name. */
  id?: string
}

/** `100`, `vm-100`, `hq/vm-100`, `hq/100`; else an id of another kind, or a name, with or without its site: `hq/web`. */
export function guestAddress(text: string): GuestAddress {
  const [, site, kind, id] = /^(?:([\w-]+)\/)?(?:(vm|container)-)?(\d+)$/.exec(text) ?? []
  return {
    text,
    ...(site === undefined ? {} : { site }),
    ...(kind === undefined ? {} : { kind: kind as GuestKind }),
    ...(id === undefined ? {} : { id }),
  }
}

/** A guest, as far as words are about it. */
export interface NamedGuest {
  site: string
  kind: string
  id: string
  name: string
}

/** Whether an address means a guest. Names count in any case. */
export function meansGuest({ text, site, kind, id }: GuestAddress, guest: NamedGuest): boolean {
  if (id !== undefined) {
    return guest.id === id && [undefined, guest.kind].includes(kind) && [undefined, guest.site].includes(site)
  }
  const words = [guest.name, guest.id, `${guest.kind}-${guest.id}`]
  return [...words, ...words.map((one) => `${guest.site}/${one}`)].some(
    (one) => one.toLowerCase() === text.toLowerCase(),
  )
}
