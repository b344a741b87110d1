/**
 * Does the whole of `text` match `pattern`, in which `*` stands for any characters, none included, and `?` for one?
 * Upper and lower case are the same. Everything else means itself: no brackets, no escapes. Takes at most
 * `pattern × text` steps whatever the pattern, which a regular expression made of it would not.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const wanted = Array.from(pattern.toLowerCase())
  const given = Array.from(text.toLowerCase())
  let at = 0
  let next = 0
  /** Where the last star stands, and how much of the text it has taken so far. */
  let star = -1
  let taken = 0
  while (next < given.length) {
    if (wanted[at] === '*') {
      star = at
      taken = next
      at += 1
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[next])) {
      at += 1
      next += 1
    } else if (star >= 0) {
      taken += 1
      at = star + 1
      next = taken
    } else return false
  }
  return wanted.slice(at).every((character) => character === '*')
}
