import type { CatalogueEntry, GuestArchives } from './catalogue.ts'
import { matchesGlob } from '../selection/glob.ts'

/** What a guest is called: by its newest manifest that can be read; empty when there is none. */
export function nameOf({ entries }: Pick<GuestArchives, 'entries'>): string {
  return entries.findLast(({ facts }) => facts !== undefined)?.facts?.name ?? ''
}

/**
 * Archives of one guest in which every word is found, in whatever case: in its name, notes, tags, site or node, as the
 * whole of its id, or at the beginning of its time (`2026-11`). `*` and `?` stand for characters, as in a job's names.
 */
export function searchGuest(guest: GuestArchives, words: readonly string[]): CatalogueEntry[] {
  // One without manifest has no name of its own, and is looked for by that of its guest.
  const name = nameOf(guest)
  return guest.entries.filter((entry) => words.every((word) => isFound(word, entry, name)))
}

function isFound(word: string, entry: CatalogueEntry, name: string): boolean {
  const { site, guest, createdAt, at = createdAt, facts, verification } = entry
  const { notes = '', node = '' } = facts ?? {}
  const tags = [...(facts?.tags ?? []), ...(verification?.tags ?? [])]
  const ids = [guest.id, `${guest.kind}-${guest.id}`, guest.kind]
  return (
    ids.includes(word.toLowerCase()) ||
    [createdAt, at].some((time) => time.startsWith(word.toUpperCase())) ||
    [name, facts?.name ?? '', notes, site, node, ...tags].some((text) => matchesGlob(`*${word}*`, text))
  )
}

/** Words of a search: blanks part them, and everything between quotation marks is one. */
export function searchWords(text: string): string[] {
  return [...text.matchAll(/"([^"]+)"|[^\s"]+/g)].map((match) => match[1] ?? match[0])
}
