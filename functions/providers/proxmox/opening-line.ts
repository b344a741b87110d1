/** The line that opens a vzdump job: the command a person would have typed, quoted for a shell, its options in any order. */

export interface OpeningLine {
  /** Option → its values, several for one that was repeated. */
  options: ReadonlyMap<string, readonly string[]>
}

const OPENING = /^INFO: starting new backup job: vzdump(?: (.*))?$/

/** The first one of a log; `undefined` while a job waits for its node's lock, and for one that never got so far. */
export function findOpening(lines: readonly string[]): OpeningLine | undefined {
  for (const line of lines) {
    const match = OPENING.exec(line)
    if (match !== null) return { options: optionsOf(shellWords(match[1] ?? '')) }
  }
  return undefined
}

function optionsOf(words: readonly string[]): Map<string, string[]> {
  const options = new Map<string, string[]>()
  let name: string | undefined
  for (const word of words) {
    // A value is never taken for a name, whatever it looks like: each name has one.
    if (name !== undefined) {
      options.set(name, [...(options.get(name) ?? []), word])
      name = undefined
    } else if (word.startsWith('--')) name = word.slice(2)
  }
  return options
}

/** A command line as words: single and double quotes, and a backslash outside of them or in double ones. */
function shellWords(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? ''
    if (quote === undefined && char === ' ') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char
      word ??= ''
    } else if (char === quote) quote = undefined
    else if (char === '\\' && quote !== "'") {
      at += 1
      word = (word ?? '') + (text[at] ?? '')
    } else word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}
