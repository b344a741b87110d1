/** The query protocol of EC2 and STS: forms in, XML out. */
import { ec2 } from './errors.ts'

export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue }

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign)

/** An element; a list becomes one with an `item` for each. */
export function element(name: string, value: XmlValue, attributes = ''): string {
  if (value === undefined) return ''
  const inner = Array.isArray(value)
    ? (value as readonly XmlValue[]).map((each) => element('item', each)).join('')
    : typeof value === 'object'
      ? Object.entries(value)
          .map(([each, of]) => element(each, of))
          .join('')
      : escaped(String(value))
  return inner === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${inner}</${name}>`
}

export const document = (root: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n${root}`

/** One call's parameters by their dotted names. Those that no code asked for are an error: a double never ignores. */
export class Parameters {
  readonly #given: Map<string, string>
  readonly #used = new Set<string>()

  constructor(form: URLSearchParams) {
    this.#given = new Map(form)
    for (const name of ['Action', 'Version']) this.#used.add(name)
  }

  get(name: string): string | undefined {
    this.#used.add(name)
    return this.#given.get(name)
  }

  need(name: string): string {
    const value = this.get(name)
    if (value === undefined || value === '')
      throw ec2('MissingParameter', `The request must contain the parameter ${name}`)
    return value
  }

  flag(name: string): boolean | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (value !== 'true' && value !== 'false')
      throw ec2('InvalidParameterValue', `Invalid value '${value}' for ${name}: expected a boolean`)
    return value === 'true'
  }

  number(name: string): number | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (!/^-?\d+$/.test(value))
      throw ec2('InvalidParameterValue', `Invalid value '${value}' for ${name}: expected an integer`)
    return Number(value)
  }

  /** Prefixes of a list's members: `Filter.1`, `Filter.2`, … */
  members(name: string): string[] {
    const numbers = new Set<number>()
    for (const key of this.#given.keys()) {
      const rest = key.startsWith(`${name}.`) ? /^\d+/.exec(key.slice(name.length + 1))?.[0] : undefined
      if (rest !== undefined) numbers.add(Number(rest))
    }
    return [...numbers].toSorted((a, b) => a - b).map((number) => `${name}.${number}`)
  }

  list(name: string): string[] {
    return this.members(name).map((member) => this.need(member))
  }

  unused(): string[] {
    return [...this.#given.keys()].filter((name) => !this.#used.has(name))
  }
}
