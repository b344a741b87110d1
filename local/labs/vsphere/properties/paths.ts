/** The value at a dotted path of an object's properties, as `config.hardware.device`. */
import type { Value } from '../wire/values.ts'
import type { Properties } from './guest.ts'

export type AtPath = { known: false } | { known: true; value: Value | undefined }

function inside(value: Value | undefined, [first, ...rest]: readonly string[]): AtPath {
  if (first === undefined || value === undefined) return { known: true, value }
  if (value.kind !== 'structure') return { known: false }
  if (!(first in value.fields)) return { known: false }
  return inside(value.fields[first], rest)
}

/** A path that the type doesn't have isn't known; one that isn't set has no value. */
export function valueAt(properties: Properties, path: string): AtPath {
  const [first = '', ...rest] = path.split('.')
  const property = Object.hasOwn(properties, first) ? properties[first] : undefined
  return property === undefined ? { known: false } : inside(property(), rest)
}
