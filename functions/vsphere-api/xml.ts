/** XML of the SOAP answers as a tree, and requests as XML. The parser is the SDK's, which is in every bundle anyway. */
import { parseXML, XmlNode, XmlText } from '@aws-sdk/xml-builder'

/** An element: its text, or its children by name, where several of one name are a list. `@type` is its `xsi:type`. */
export type Xml = string | XmlElement
export interface XmlElement {
  [name: string]: Xml | Xml[]
}

/** The text is not XML, or no document of the kind that was asked for. */
export class NotXml extends Error {
  override readonly name = 'NotXml'
}

/** Trees of answers are some ten levels deep; what goes beyond this is made to harm. */
const MOST_LEVELS = 100

/** @throws NotXml */
export function parseTree(text: string): XmlElement {
  let parsed: unknown
  try {
    parsed = parseXML(text)
  } catch (error) {
    throw new NotXml(error instanceof Error ? error.message : String(error), { cause: error })
  }
  const tree = settled(parsed, 0)
  if (typeof tree === 'string') throw new NotXml('the document has no element')
  return tree
}

/**
 * The prefix of `xsi:type` differs from server to server (three were seen), and a reference has a `type` of its own.
 * Namespaces say nothing that is needed. A text with a simple type is its text.
 */
function settled(value: unknown, level: number): Xml {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : ''
  if (level > MOST_LEVELS) throw new NotXml('elements are nested too deeply')
  const element: XmlElement = {}
  for (const [name, child] of Object.entries(value)) {
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue
    const key = name.endsWith(':type') ? '@type' : name
    element[key] = Array.isArray(child) ? child.map((one) => settled(one, level + 1)) : settled(child, level + 1)
  }
  return isText(element) ? textOf(element) : element
}

function isText(element: XmlElement): boolean {
  const names = Object.keys(element)
  if (names.length === 0) return true
  const type = element['@type']
  if (typeof type === 'string' && type.startsWith('xsd:')) return true
  return names.includes('#text') && names.every((name) => name === '#text' || name === '@type')
}

export function textOf(xml: Xml | undefined): string {
  if (xml === undefined) return ''
  if (typeof xml === 'string') return xml
  const text = xml['#text']
  return typeof text === 'string' ? text : ''
}

export function childOf(xml: Xml | undefined, name: string): Xml | undefined {
  return childrenOf(xml, name)[0]
}

export function childrenOf(xml: Xml | undefined, name: string): Xml[] {
  if (xml === undefined || typeof xml === 'string' || !Object.hasOwn(xml, name)) return []
  return [xml[name] ?? []].flat()
}

/** The child of any prefix: only the elements of SOAP itself have one. */
export function prefixedChildOf(xml: Xml | undefined, localName: string): Xml | undefined {
  if (xml === undefined || typeof xml === 'string') return undefined
  const name = Object.keys(xml).find((one) => one === localName || one.endsWith(`:${localName}`))
  return name === undefined ? undefined : childOf(xml, name)
}

/** `xsi:type` of an element. */
export function typeOf(xml: Xml | undefined): string {
  return typeof xml === 'object' ? textOf(childOf(xml, '@type')) : ''
}

/** A managed object on the server: a kind and an opaque name, good for this server alone. */
export interface Ref {
  type: string
  id: string
}

export function refOf(xml: Xml | undefined): Ref | undefined {
  const id = textOf(xml)
  const type = typeof xml === 'object' ? textOf(childOf(xml, 'type')) : ''
  return id === '' || type === '' ? undefined : { type, id }
}

/** Of a property that is a list of references. */
export function refsIn(xml: Xml | undefined): Ref[] {
  return childrenOf(xml, 'ManagedObjectReference').flatMap((one) => refOf(one) ?? [])
}

/** What an element of a request holds. The order of a list is the schema's, which a vCenter insists on. */
export type Content = string | number | boolean | Ref | readonly Argument[]
export type Argument = readonly [name: string, content: Content | undefined, xsiType?: string]

export function writeElement(
  name: string,
  content: Content,
  attributes: Readonly<Record<string, string>> = {},
): string {
  const node = nodeOf(name, content)
  for (const [key, value] of Object.entries(attributes)) node.addAttribute(key, value)
  return node.toString()
}

function nodeOf(name: string, content: Content, xsiType?: string): XmlNode {
  const node = new XmlNode(name)
  if (xsiType !== undefined) node.addAttribute('xsi:type', xsiType)
  if (isList(content)) {
    for (const [child, inner, type] of content) {
      if (inner !== undefined) node.addChildNode(nodeOf(child, inner, type))
    }
    return node
  }
  if (typeof content === 'object') {
    node.addAttribute('type', content.type)
    node.addChildNode(new XmlText(content.id))
    return node
  }
  const text = String(content)
  if (text !== '') node.addChildNode(new XmlText(text))
  return node
}

function isList(content: Content): content is readonly Argument[] {
  return Array.isArray(content)
}
