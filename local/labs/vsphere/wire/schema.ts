/**
 * Whether a request has the form that the schema demands: its elements in order, none that isn't known, and none missing.
 * A vCenter refuses what doesn't fit with the fault InvalidRequest and a text that says where.
 */
import { invalidRequest, type VimFault } from './faults.ts'
import { TYPES } from './shapes.ts'
import type { Element } from './xml.ts'

interface Field {
  name: string
  type: string
  optional: boolean
  repeated: boolean
}

const known = new Map<string, readonly Field[]>()

/** `name:type` with `?` for at most one, `*` for any number, `+` for one and more. */
function fieldsFrom(text: string): Field[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const found = /^(\w+):([@\w]+)([?*+]?)$/.exec(word)
      if (found === null) throw new Error(`The lab's schema has a wrong field: ${word}`)
      const [, name = '', type = '', count = ''] = found
      return { name, type, optional: count === '?' || count === '*', repeated: count === '*' || count === '+' }
    })
}

/** Fields of a data type, its base's first. */
function fieldsOf(type: string): readonly Field[] | undefined {
  const own = TYPES[type]
  if (own === undefined) return undefined
  let fields = known.get(type)
  if (fields === undefined) {
    fields = [...(own.base === undefined ? [] : (fieldsOf(own.base) ?? [])), ...fieldsFrom(own.fields)]
    known.set(type, fields)
  }
  return fields
}

function descends(type: string, from: string): boolean {
  for (let each: string | undefined = type; each !== undefined; each = TYPES[each]?.base) if (each === from) return true
  return false
}

const refused = (what: string, where: string): VimFault =>
  invalidRequest(`\n${what}\n\nwhile parsing ${where}\nwhile parsing SOAP body\nwhile parsing SOAP envelope\n`)

const SIMPLE: Record<string, RegExp> = {
  string: /^[^]*$/,
  boolean: /^(true|false|1|0)$/,
  int: /^-?\d{1,10}$/,
  long: /^-?\d{1,19}$/,
  dateTime: /^\d{4}-\d{2}-\d{2}T/,
}

function checkValue(element: Element, { name, type }: Field, where: string): void {
  const pattern = SIMPLE[type]
  if (pattern !== undefined) {
    if (element.children.length > 0) throw refused(`Unexpected element tag "${element.children[0]?.name}" seen`, where)
    if (!pattern.test(element.text)) throw refused(`Failed to parse "${element.text}" as ${type} of "${name}"`, where)
    return
  }
  if (type.startsWith('@')) {
    if (element.attributes['type'] === undefined)
      throw refused(`Required attribute "type" of "${name}" is missing`, where)
    if (element.text === '') throw refused(`The reference "${name}" is empty`, where)
    return
  }
  const actual = element.declaredType ?? type
  const fields = fieldsOf(actual)
  // Data that only pass through the lab are as the client likes them.
  if (fields === undefined && TYPES[type] === undefined) return
  if (fields === undefined || !descends(actual, type))
    throw refused(`Type "${actual}" is not expected for "${name}"`, where)
  checkFields(element.children, fields, `serialized DataObject of type ${actual}\n${where}`)
}

function checkFields(given: readonly Element[], fields: readonly Field[], where: string): void {
  let at = 0
  for (const field of fields) {
    let count = 0
    while (given[at]?.name === field.name && (field.repeated || count === 0)) {
      checkValue(given[at] as Element, field, where)
      at += 1
      count += 1
    }
    if (count > 0 || field.optional) continue
    const next = given[at]
    throw refused(
      next === undefined
        ? `Required property ${field.name} is missing`
        : `Expected element tag "${field.name}", not "${next.name}"`,
      where,
    )
  }
  const left = given[at]
  if (left !== undefined) throw refused(`Unexpected element tag "${left.name}" seen`, where)
}

/** @throws VimFault InvalidRequest */
export function checkCall(call: Element, parameters: string): void {
  const where = `call information for method ${call.name}`
  checkFields(call.children, fieldsFrom(`_this:@ManagedObject ${parameters}`), where)
}
