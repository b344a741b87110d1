/** Values of vim25, and the XML of them as a vCenter writes it. */
import { escapeXml } from './xml.ts'

export interface Reference {
  kind: 'reference'
  type: string
  id: string
  /** It stands where the schema says anyType. */
  marked?: boolean
}

export interface Scalar {
  kind: 'scalar'
  /** As `xsd:string`, or the name of an enumeration. */
  type: string
  text: string
}

export interface Structure {
  kind: 'structure'
  type: string
  /** In the schema's order. A field that is known and not set is `undefined`; one that isn't known isn't there. */
  fields: Readonly<Record<string, Value | undefined>>
  /** Where the schema declares a base type, the answer names the type. */
  named: boolean
}

export interface List {
  kind: 'list'
  /** Type of its items, as `VirtualDevice`; also the name of their elements where the list stands alone. */
  of: string
  items: readonly Value[]
}

/** XML that is ready, for what stands in many answers. */
export interface Raw {
  kind: 'raw'
  xml: string
}

export type Value = Reference | Scalar | Structure | List | Raw

export const ref = (type: string, id: string): Reference => ({ kind: 'reference', type, id })
const scalar = (type: string, text: string): Scalar => ({ kind: 'scalar', type, text })
export const string = (text: string): Scalar => scalar('xsd:string', text)
export const boolean = (value: boolean): Scalar => scalar('xsd:boolean', String(value))
export const int = (value: number): Scalar => scalar('xsd:int', String(value))
export const long = (value: number): Scalar => scalar('xsd:long', String(value))
export const dateTime = (at: Date): Scalar => scalar('xsd:dateTime', at.toISOString().replace('Z', '000Z'))
export const enumeration = (type: string, text: string): Scalar => scalar(type, text)
export const list = (of: string, items: readonly Value[]): List => ({ kind: 'list', of, items })

type Fields = Record<string, Value | undefined>

export const structure = (type: string, fields: Fields): Structure => ({
  kind: 'structure',
  type,
  fields,
  named: false,
})
/** A structure in a place where the schema declares a base of its type. */
export const derived = (type: string, fields: Fields): Structure => ({ kind: 'structure', type, fields, named: true })

const attributesOf = (value: Value): string => (value.kind === 'reference' ? ` type="${escapeXml(value.type)}"` : '')

function content(value: Value): string {
  if (value.kind === 'raw') return value.xml
  if (value.kind === 'reference') return escapeXml(value.id)
  if (value.kind === 'scalar') return escapeXml(value.text)
  if (value.kind === 'structure')
    return Object.entries(value.fields)
      .map(([name, field]) => (field === undefined ? '' : elementOf(name, field)))
      .join('')
  return value.items.map((item) => elementOf(value.of, item)).join('')
}

/** A field: repeated for a list, and with its type only where that isn't known from the schema. */
export function elementOf(name: string, value: Value): string {
  if (value.kind === 'list') return value.items.map((item) => elementOf(name, item)).join('')
  if (value.kind === 'reference' && value.marked === true) return anyElement(name, value)
  const type = value.kind === 'structure' && value.named ? ` xsi:type="${value.type}"` : ''
  return `<${name}${attributesOf(value)}${type}>${content(value)}</${name}>`
}

function typeName(value: Value): string {
  if (value.kind === 'reference') return 'ManagedObjectReference'
  if (value.kind === 'raw') return 'xsd:anyType'
  if (value.kind !== 'list') return value.type
  return `ArrayOf${value.of.charAt(0).toUpperCase()}${value.of.slice(1)}`
}

/** A value whose type the schema doesn't say, as `val` of a property or `result` of a task. */
export function anyElement(name: string, value: Value): string {
  return `<${name}${attributesOf(value)} xsi:type="${typeName(value)}">${content(value)}</${name}>`
}

/** A field that the schema declares as anyType: shown with its type wherever it stands. */
export const anyType = (value: Value): Structure | Value =>
  value.kind === 'structure' ? { ...value, named: true } : value
