/**
 * Where the fields of an object stand in the TypeScript that writes it down. It reads a literal and nothing more: what is
 * computed or spread has no place of its own, and a complaint about it names the field that holds it. Pure.
 */
import type { Located, LocatedPart } from '../functions/domain/words/text-places.ts'

/** What has no meaning here: comments, and texts in which brackets and commas are letters. */
const TOKEN = /\/\/[^\n]*|\/\*[^]*?\*\/|(["'`])(?:\\[^]|(?!\1)[^\\])*\1|[{}[\]():,]|[\w$]+/g

interface Token {
  text: string
  start: number
}

/** @param name of the constant that the file exports */
export function literalPlaces(text: string, name: string): Located {
  const constant = new RegExp(String.raw`\bconst ${name}\b[^=]*=\s*`).exec(text)
  const from = constant === null ? 0 : constant.index + constant[0].length
  const tokens = [...text.slice(from).matchAll(TOKEN)]
    .map(({ 0: token, index }) => ({ text: token, start: from + index }))
    .filter((token) => !/^\/[/*]/.test(token.text))
  return new Reader(tokens).value()
}

class Reader {
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** Reads to the comma or bracket behind the value. */
  value(): Located {
    const first = this.#tokens[this.#next]
    const start = first?.start ?? 0
    const parts = first?.text === '{' ? this.#fields() : first?.text === '[' ? this.#entries() : undefined
    this.#skip()
    return { start, ...(parts === undefined ? {} : { parts }) }
  }

  #fields(): Map<string, LocatedPart> {
    const parts = new Map<string, LocatedPart>()
    this.#next += 1
    while (!this.#ends()) {
      const key = this.#tokens[this.#next]
      if (key !== undefined && this.#tokens[this.#next + 1]?.text === ':') {
        this.#next += 2
        parts.set(key.text.replaceAll(/^["'`]|["'`]$/g, ''), { key: key.start, value: this.value() })
      } else this.#skip()
    }
    return parts
  }

  #entries(): Map<string, LocatedPart> {
    const parts = new Map<string, LocatedPart>()
    this.#next += 1
    while (!this.#ends()) {
      const key = this.#tokens[this.#next]?.start ?? 0
      parts.set(String(parts.size), { key, value: this.value() })
    }
    return parts
  }

  /** At the closing bracket, which is passed, or at the end of the file. A comma before it is passed too. */
  #ends(): boolean {
    if (this.#tokens[this.#next]?.text === ',') this.#next += 1
    const token = this.#tokens[this.#next]
    if (token !== undefined && !/[}\])]/.test(token.text.charAt(0))) return false
    this.#next += 1
    return true
  }

  /** To the comma or closing bracket that ends what is read. */
  #skip(): void {
    let depth = 0
    for (; this.#next < this.#tokens.length; this.#next += 1) {
      const { text } = this.#tokens[this.#next] ?? { text: '' }
      if (depth === 0 && /^[,}\])]$/.test(text)) return
      if (/^[{[(]$/.test(text)) depth += 1
      if (/^[}\])]$/.test(text)) depth -= 1
    }
  }
}
