/** From a schema that writing goes by to the one that reading goes by: the same fields and rules, at every level. */
import * as z from 'zod'

/** What becomes of fields that the schema doesn't know: a newer version wrote them. */
export type Unknown = 'kept' | 'left-out'

const made: Record<Unknown, WeakMap<z.core.$ZodType, z.core.$ZodType>> = {
  kept: new WeakMap(),
  'left-out': new WeakMap(),
}

/** The schema with every object in it taking fields that it doesn't know. Refinements and defaults stay as they are. */
export function tolerant<Schema extends z.ZodType>(schema: Schema, unknown: Unknown): Schema {
  // A clone is of the class of its original; the compiler can't see that through the walk.
  return walk(schema, unknown) as Schema
}

function walk(schema: z.core.$ZodType, unknown: Unknown): z.core.$ZodType {
  const known = made[unknown].get(schema)
  if (known !== undefined) return known
  const changed = changedDef(schema, (inner) => walk(inner, unknown), unknown)
  // By the schema's own method: `z.core` as a value would bring the messages of forty languages into every bundle.
  const result = changed === undefined ? schema : (schema as z.ZodType).clone({ ...schema._zod.def, ...changed })
  made[unknown].set(schema, result)
  return result
}

/** What differs in a schema's definition; `undefined` for what holds no other schema. */
function changedDef(
  schema: z.core.$ZodType,
  inner: (schema: z.core.$ZodType) => z.core.$ZodType,
  unknown: Unknown,
): object | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'object') {
    const shape = Object.fromEntries(Object.entries(def.shape).map(([key, field]) => [key, inner(field)]))
    // A schema that takes other fields by itself goes on doing so.
    const closed = def.catchall === undefined || def.catchall._zod.def.type === 'never'
    return closed ? { shape, catchall: unknown === 'kept' ? z.unknown() : undefined } : { shape }
  }
  if (def.type === 'array') return { element: inner(def.element) }
  if (def.type === 'record') return { valueType: inner(def.valueType) }
  if (def.type === 'union') return { options: def.options.map(inner) }
  if (def.type === 'pipe') return { in: inner(def.in), out: inner(def.out) }
  // Optional, default, catch and their like.
  return 'innerType' in def ? { innerType: inner(def.innerType) } : undefined
}
