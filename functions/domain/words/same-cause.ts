/** One cause is told once, with how many it struck: four hundred guests behind one dead network are one piece of news. */

/** Something that a cause struck. */
export interface Struck {
  cause: string
  /** What its cause may name of itself: id, name, folder. Two causes that differ in nothing else are the same. */
  own: readonly string[]
}

/** How many are named beside a cause. */
const NAMED = 3

/** By cause, in the order in which each cause first shows. */
export function byCause<Item>(items: readonly Item[], struckOf: (item: Item) => Struck): Item[][] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = bareCause(struckOf(item))
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

/** `100 web, 101 db, 102 mail and 397 more`. */
export function someOf(names: readonly string[]): string {
  const more = names.length - NAMED
  return more > 0 ? `${names.slice(0, NAMED).join(', ')} and ${more} more` : names.join(', ')
}

/** An instant as keys and file names tell it: `2026-11-22T02-00-00Z`, `2026_11_22-02_00_00`. */
const KEYED_TIME = /\d{4}[-_]\d\d[-_]\d\d[T-]\d\d[-_:]\d\d[-_:]\d\d/g

/** The cause without what is the struck one's own. Other numbers stay: a status or an exit code is part of the cause. */
export function bareCause({ cause, own }: Struck): string {
  return own
    .filter((text) => text !== '')
    .toSorted((one, other) => other.length - one.length)
    .reduce((text, mine) => withoutWord(text, mine), cause)
    .replaceAll(KEYED_TIME, '…')
}

/** Every place where a word stands by itself: guest 10 is not named by 100. */
function withoutWord(text: string, word: string): string {
  const escaped = word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return text.replaceAll(new RegExp(`(?<![A-Za-z0-9])${escaped}(?![A-Za-z0-9])`, 'g'), '…')
}
