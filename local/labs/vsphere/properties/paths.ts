/** The value at a dotted path of an object's properties, as `config.hardware.device`. */
import type { Value } from '../wire/values.ts'
import { fieldsOf } from './known.ts'
import type { Properties } from './guest.ts'

const UNSET: AtPath = { known: true, value: undefined }

export type AtPath = { known: false } | { known: true; value: Value | undefined }

function inside(value: Value | undefined, [first, ...rest]: readonly string[]): AtPath {
  if (first === undefined || value === undefined) return { known: true, value }
  if (value.kind !== 'structure') return { known: false }
  if (!(first in value.fields)) return fieldsOf(value.type)?.includes(first) === true ? UNSET : { known: false }
  return inside(value.fields[first], rest)
}

/** A path that the type doesn't have isn't known; one that isn't set has no value. */
export function valueAt(properties: Properties, path: string, type = ''): AtPath {
  const [first = '', ...rest] = path.split('.')
  const property = Object.hasOwn(properties, first) ? properties[first] : undefined
  if (property !== undefined) return inside(property(), rest)
  return fieldsOf(type)?.includes(first) === true ? UNSET : { known: false }
}
