/** What a client sends, as elements in their order. Names are without prefixes; the type is whatever attribute ends in `:type`. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'

/** The text is no XML. The message says where. */
export class NoXml extends Error {}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
  ignoreDeclaration: true,
})

const ATTRIBUTES = ':@'
const TEXT = '#text'

type Ordered = Record<string, unknown>

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

export class Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Element[]
  readonly text: string

  constructor(name: string, attributes: Record<string, string>, children: readonly Element[], text: string) {
    this.name = name
    this.attributes = attributes
    this.children = children
    this.text = text
  }

  /** The type that the client declares, as `TraversalSpec`. */
  get declaredType(): string | undefined {
    const found = Object.entries(this.attributes).find(([name]) => name.endsWith(':type'))
    return found === undefined ? undefined : localName(found[1])
  }

  child(name: string): Element | undefined {
    return this.children.find((each) => each.name === name)
  }

  all(name: string): Element[] {
    return this.children.filter((each) => each.name === name)
  }

  /** Text of a child; nothing where there is none. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text
  }

  flagOf(name: string): boolean | undefined {
    const text = this.textOf(name)?.trim()
    return text === undefined ? undefined : text === 'true' || text === '1'
  }

  /** A reference to a managed object: its id is the text. */
  idOf(name: string): string | undefined {
    return this.textOf(name)
  }
}

function textIn(node: Ordered): string {
  const text = node[TEXT]
  return typeof text === 'string' ? text : ''
}

function elementOf(node: Ordered): Element | undefined {
  const name = Object.keys(node).find((key) => key !== ATTRIBUTES)
  if (name === undefined || name === TEXT || name.startsWith('?')) return undefined
  const inside = node[name] as Ordered[]
  const children = inside.map(elementOf).filter((each) => each !== undefined)
  const text = children.length > 0 ? '' : inside.map(textIn).join('')
  return new Element(localName(name), (node[ATTRIBUTES] ?? {}) as Record<string, string>, children, text)
}

/** @throws NoXml */
export function parseXml(text: string): Element {
  const valid = XMLValidator.validate(text)
  if (valid !== true) throw new NoXml(`XML syntax error on line ${valid.err.line}: ${valid.err.msg}`)
  const roots = (parser.parse(text) as Ordered[]).map(elementOf).filter((each) => each !== undefined)
  const [root] = roots
  if (root === undefined) throw new NoXml('XML syntax error on line 1: unexpected EOF')
  return root
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] ?? letter)
