/** Answers of the simulator taken apart, changed, and written as a vCenter writes them. */
import { rawEnvelope } from '../wire/envelope.ts'
import { Element, escapeXml, parseXml } from '../wire/xml.ts'

const isTypeOf = (name: string): boolean => name.endsWith(':type')

export function written({ name, attributes, children, text }: Element): string {
  const kept = Object.entries(attributes)
    .filter(([attribute]) => attribute === 'type' || attribute === 'xmlns' || isTypeOf(attribute))
    .map(([attribute, value]) => ` ${isTypeOf(attribute) ? 'xsi:type' : attribute}="${escapeXml(value)}"`)
  const inside = children.length === 0 ? escapeXml(text) : children.map(written).join('')
  return `<${name}${kept.join('')}>${inside}</${name}>`
}

export const leaf = (name: string, text: string, attributes: Record<string, string> = {}): Element =>
  new Element(name, attributes, [], text)

export const withChildren = ({ name, attributes, text }: Element, children: readonly Element[]): Element =>
  new Element(name, attributes, children, text)

/** Change the children of a name; nothing in return removes one. */
export function changing(element: Element, name: string, change: (child: Element) => Element | undefined): Element {
  return withChildren(
    element,
    element.children.map((child) => (child.name === name ? change(child) : child)).filter((each) => each !== undefined),
  )
}

/** A property of an object in an answer. */
export const propertyOf = (object: Element, path: string): Element | undefined =>
  object.all('propSet').find((set) => set.textOf('name') === path)

export function withProperty(object: Element, path: string, value: Element): Element {
  const set = new Element('propSet', {}, [leaf('name', path), value], '')
  const before = object.children.filter(({ name }) => name !== 'missingSet')
  return withChildren(object, [...before, set, ...object.all('missingSet')])
}

/** Change each object of an answer of the property collector. */
export async function editedAnswer(
  text: string,
  edit: (object: Element) => Promise<Element | undefined>,
): Promise<string> {
  const [answer] = parseXml(text).child('Body')?.children ?? []
  const returned = answer?.child('returnval')
  if (answer === undefined || returned === undefined) return text
  const objects = await Promise.all(
    returned.children.map((each) => (each.name === 'objects' ? edit(each) : Promise.resolve(each))),
  )
  const children = [
    withChildren(
      returned,
      objects.filter((each) => each !== undefined),
    ),
  ]
  return rawEnvelope(written(withChildren(answer, children)))
}
