/** Two XML answers compared by their form: elements, their order, types, and what kind of text is in them. */
import type { Element } from '../../../../local/labs/vsphere/wire/xml.ts'

function kindOf(text: string): string {
  if (text === '') return 'nothing'
  if (/^(true|false)$/.test(text)) return 'boolean'
  if (/^-?\d+$/.test(text)) return 'number'
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) return 'time'
  return 'text'
}

/** A list of things is compared by the first of each type. */
function distinct(elements: readonly Element[]): Map<string, Element> {
  const found = new Map<string, Element>()
  for (const each of elements) {
    const inner = each.child('name')?.text ?? each.child('path')?.text
    const isNamed = each.name === 'propSet' || each.name === 'missingSet'
    const key = [each.name, each.declaredType ?? '', isNamed ? (inner ?? '') : ''].join('|')
    if (!found.has(key)) found.set(key, each)
  }
  return found
}

function compareOrder(where: string, theirs: readonly Element[], ours: readonly Element[]): string[] {
  const names = (elements: readonly Element[], of: ReadonlySet<string>): string[] =>
    [...new Set(elements.map(({ name }) => name))].filter((name) => of.has(name))
  const [a, b] = [new Set(theirs.map(({ name }) => name)), new Set(ours.map(({ name }) => name))]
  const [wanted, got] = [names(theirs, b), names(ours, a)]
  return wanted.join() === got.join() ? [] : [`${where}: ${got.join(', ')} instead of ${wanted.join(', ')}`]
}

/** How our answer differs from theirs; what they have and we don't is `without: …`. What we have more isn't looked at. */
export function differences(theirs: Element, ours: Element, where = theirs.name): string[] {
  const found: string[] = []
  if (theirs.declaredType !== ours.declaredType && theirs.declaredType !== undefined)
    found.push(`${where}: type ${ours.declaredType} instead of ${theirs.declaredType}`)
  if ((theirs.attributes['type'] === undefined) !== (ours.attributes['type'] === undefined))
    found.push(`${where}: one of them is no reference`)
  if (theirs.children.length === 0 && ours.children.length === 0) {
    const [wanted, got] = [kindOf(theirs.text), kindOf(ours.text)]
    if (wanted !== got && theirs.attributes['type'] === undefined && wanted !== 'nothing' && got !== 'nothing')
      found.push(`${where}: a ${got} instead of a ${wanted}`)
    return found
  }
  found.push(...compareOrder(where, theirs.children, ours.children))
  const mine = distinct(ours.children)
  for (const [key, child] of distinct(theirs.children)) {
    const [name = '', type, inner] = key.split('|')
    const there = `${where}/${name}${type === '' ? '' : `:${type}`}${inner === '' ? '' : `[${inner}]`}`
    const match = mine.get(key)
    if (match === undefined) found.push(`without: ${there}`)
    else found.push(...differences(child, match, there))
  }
  return found
}
