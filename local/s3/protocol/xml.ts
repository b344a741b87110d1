/** The little XML that S3 speaks: elements with text, no attributes that matter. */
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { S3Error } from '../errors.ts'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

export interface XmlElement {
  name: string
  content: string | readonly XmlElement[]
  attributes?: string
}

export function element(
  name: string,
  content: string | number | boolean | readonly XmlElement[],
  attributes?: string,
): XmlElement {
  const value = typeof content === 'object' ? content : String(content)
  return attributes === undefined ? { name, content: value } : { name, content: value, attributes }
}

/** No element at all for `undefined`: most of S3's answers have optional fields. */
export function optional(name: string, content: string | number | boolean | undefined): XmlElement[] {
  return content === undefined ? [] : [element(name, content)]
}

/** A whole answer. Errors go without the namespace, as S3 sends them. */
export function renderXml(root: XmlElement, namespace = true): string {
  const attributes = namespace ? `xmlns="${NAMESPACE}"` : undefined
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render(attributes === undefined ? root : { ...root, attributes })}`
}

function render(node: XmlElement): string {
  const body = typeof node.content === 'string' ? escapeText(node.content) : node.content.map(render).join('')
  const open = node.attributes === undefined ? node.name : `${node.name} ${node.attributes}`
  return body === '' ? `<${open}/>` : `<${open}>${body}</${node.name}>`
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

function escapeText(text: string): string {
  // Control characters go out as references, as S3 sends them; clients that can't read those ask for encoding-type=url.
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[&<>"'\u0000-\u001f]/g, (char) => ESCAPES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`)
}

/** A parsed element; `text` is its own text with entities resolved, `children` in document order. */
export class XmlNode {
  readonly name: string
  readonly text: string
  readonly children: readonly XmlNode[]

  constructor(name: string, text: string, children: readonly XmlNode[]) {
    this.name = name
    this.text = text
    this.children = children
  }

  child(name: string): XmlNode | undefined {
    return this.children.find((node) => node.name === name)
  }

  all(name: string): XmlNode[] {
    return this.children.filter((node) => node.name === name)
  }

  /** The trimmed text of a child, `undefined` when it is missing. */
  value(name: string): string | undefined {
    return this.child(name)?.text.trim()
  }

  /** @throws S3Error NotImplemented for a child this server would otherwise ignore */
  allowOnly(...names: readonly string[]): void {
    const stranger = this.children.find((node) => !names.includes(node.name))
    if (stranger) {
      throw new S3Error('NotImplemented', { message: `This server does not implement ${this.name}/${stranger.name}.` })
    }
  }
}

// Entities are resolved below: the parser counts them as an attack when ten thousand ETags arrive as &quot;…&quot;.
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
})

/** @throws S3Error MalformedXML unless `text` is one well-formed element called `rootName` */
export function parseXml(text: string, rootName: string): XmlNode {
  if (/<!DOCTYPE/i.test(text) || XMLValidator.validate(text) !== true) throw new S3Error('MalformedXML')
  const roots = toNodes(parser.parse(text)).nodes
  const root = roots[0]
  if (root === undefined || roots.length !== 1 || root.name !== rootName) throw new S3Error('MalformedXML')
  return root
}

function toNodes(parsed: unknown): { nodes: XmlNode[]; text: string } {
  const nodes: XmlNode[] = []
  let text = ''
  if (!Array.isArray(parsed)) return { nodes, text }
  for (const item of parsed as Record<string, unknown>[]) {
    for (const [name, value] of Object.entries(item)) {
      if (name === '#text') text += resolveEntities(String(value))
      else if (name !== ':@') {
        const inner = toNodes(value)
        nodes.push(new XmlNode(name, inner.text, inner.nodes))
      }
    }
  }
  return { nodes, text }
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function resolveEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (_, name: string) => {
    if (!name.startsWith('#')) {
      const char = NAMED[name]
      if (char === undefined) throw new S3Error('MalformedXML')
      return char
    }
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    if (code > 0x10ffff) throw new S3Error('MalformedXML')
    return String.fromCodePoint(code)
  })
}
