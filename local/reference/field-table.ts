/** Tables of the fields that a person writes in a job, a site or a deployment, from the JSON Schemas that zod makes. Pure. */
import * as z from 'zod'

type Constant = string | number | boolean

/** As much of JSON Schema as zod writes for what is typed by hand. */
export interface FieldSchema {
  type?: string | undefined
  description?: string | undefined
  default?: unknown
  const?: Constant | undefined
  enum?: readonly Constant[] | undefined
  format?: string | undefined
  maxLength?: number | undefined
  minimum?: number | undefined
  maximum?: number | undefined
  exclusiveMinimum?: number | undefined
  exclusiveMaximum?: number | undefined
  minItems?: number | undefined
  items?: FieldSchema | undefined
  properties?: Readonly<Record<string, FieldSchema>> | undefined
  required?: readonly string[] | undefined
  /** The forms of a union, told apart by a field that is a constant in each. */
  oneOf?: readonly FieldSchema[] | undefined
}

const constantSchema = z.union([z.string(), z.number(), z.boolean()])

const fieldSchema: z.ZodType<FieldSchema> = z.lazy(() =>
  z.looseObject({
    type: z.string().optional(),
    description: z.string().optional(),
    const: constantSchema.optional(),
    enum: z.array(constantSchema).optional(),
    items: fieldSchema.optional(),
    properties: z.record(z.string(), fieldSchema).optional(),
    required: z.array(z.string()).optional(),
    oneOf: z.array(fieldSchema).optional(),
  }),
)

/** What may be written for a schema: with a default, a field may be left out. */
export function fieldsOf(schema: z.ZodType): FieldSchema {
  return fieldSchema.parse(
    z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
      // zod leaves a default out where something below it is transformed: as typed, it might look different. Ours don't.
      override: ({ zodSchema, jsonSchema }) => {
        const { def } = zodSchema._zod
        if (def.type === 'default') jsonSchema.default ??= def.defaultValue
      },
    }),
  )
}

/**
 * The schema of a field by its path, as `bucket.objectLock`. Lists are entered without a word, and the form of a union by
 * its name: `route[sftp]`.
 * @throws where there is no such field
 */
export function fieldAt(schema: FieldSchema, path: readonly string[]): FieldSchema {
  const [step, ...rest] = path
  const entered = schema.items ?? schema
  if (step === undefined) return entered
  const [, name = '', form] = /^([^[]+)(?:\[(.+)\])?$/.exec(step) ?? []
  const field = entered.properties?.[name]
  const chosen = form === undefined ? field : field?.oneOf?.find((one) => formOf(one)?.value === form)
  if (chosen === undefined)
    throw new Error(`There is no field ${step} among ${Object.keys(entered.properties ?? {}).join(', ')}.`)
  return fieldAt(chosen, rest)
}

/** The constant that tells a form of a union from the others. */
function formOf({ properties = {} }: FieldSchema): { name: string; value: string; meaning: string } | undefined {
  const [name, field] = Object.entries(properties).find(([, one]) => typeof one.const === 'string') ?? []
  if (name === undefined || field === undefined) return undefined
  return { name, value: String(field.const), meaning: field.description ?? '' }
}

/** Where the fields of a field are listed, by its path below the table's own; `undefined`: in the same table. */
export type LinkOf = (path: readonly string[]) => string | undefined

/** A Markdown table: each field, what may be written, what counts without it, and what it means. */
export function fieldTable(schema: FieldSchema, linkOf: LinkOf = () => undefined): string {
  const rows = rowsOf(schema, [], linkOf)
  const head = [
    ['field', 'values', 'default', 'meaning'],
    ['---', '---', '---', '---'],
  ]
  return [...head, ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')
}

/** The column with what counts where a field is left out. */
const DEFAULT = 2

function rowsOf(schema: FieldSchema, path: readonly string[], linkOf: LinkOf): string[][] {
  if (schema.oneOf !== undefined) return rowsOfForms(schema.oneOf, path, linkOf)
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    rowsOfField(field, [...path, name], required.has(name) ? 'required' : '', linkOf),
  )
}

function rowsOfField(field: FieldSchema, path: readonly string[], need: string, linkOf: LinkOf): string[][] {
  const link = linkOf(path)
  const row = [code(path.join('.')), valuesOf(field, link), defaultOf(field, need), field.description ?? '']
  if (link !== undefined) return [row]
  const inner = field.items ?? field
  const below = field.items === undefined ? path : [...path.slice(0, -1), `${path.at(-1) ?? ''}[]`]
  return [row, ...rowsOf(inner, below, linkOf)]
}

/** A union is one table: the field that names the form, then the fields of all forms, each with the forms that have it. */
function rowsOfForms(forms: readonly FieldSchema[], path: readonly string[], linkOf: LinkOf): string[][] {
  const named = forms.flatMap((form) => {
    const its = formOf(form)
    return its === undefined ? [] : [{ form, ...its }]
  })
  const [first] = named
  if (first === undefined) return []
  const single = named.length === 1
  const meaning = single ? first.meaning : named.map((one) => `${code(one.value)}: ${one.meaning}`).join('<br>')
  const choice = [code([...path, first.name].join('.')), named.map(({ value }) => code(value)).join(', '), 'required']
  const fields = new Map<string, { key: string; field: FieldSchema; required: boolean; values: string[] }>()
  for (const { form, name, value } of named) {
    for (const [key, field] of Object.entries(form.properties ?? {})) {
      if (key === name) continue
      const required = form.required?.includes(key) === true
      const same = JSON.stringify([key, field, required])
      const known = fields.get(same) ?? { key, field, required, values: [] }
      fields.set(same, { ...known, values: [...known.values, value] })
    }
  }
  const others = [...fields.values()].flatMap(({ key, field, required, values }) => {
    const [row = [], ...below] = rowsOfField(field, [...path, key], required ? 'required' : '', linkOf)
    const only = values.length === named.length ? '' : `, with ${values.map(code).join(', ')}`
    return [row.map((text, column) => (column === DEFAULT ? text + only : text)), ...below]
  })
  return [[...choice, meaning], ...others]
}

function valuesOf(field: FieldSchema, link: string | undefined): string {
  const { items } = field
  const many = items !== undefined
  const each = items ?? field
  const what = kindOf(each, many)
  const linked = link === undefined ? what : `[${what}](${link})`
  if (!many) return linked
  return `list of ${linked}${(field.minItems ?? 0) > 0 ? `, at least ${field.minItems}` : ''}`
}

/** `text`, `whole number, 1 to 168`; in the plural for a list. */
function kindOf(field: FieldSchema, many: boolean): string {
  const s = many ? 's' : ''
  if (field.const !== undefined) return code(String(field.const))
  if (field.enum !== undefined) return field.enum.map((value) => code(String(value))).join(', ')
  if (field.oneOf !== undefined || field.properties !== undefined) return `object${s}`
  if (field.type === 'boolean') return '`true`, `false`'
  if (field.type === 'integer') return `whole number${s}${rangeOf(field)}`
  if (field.type === 'number') return `number${s}${rangeOf(field)}`
  if (field.format === 'email') return `e-mail address${many ? 'es' : ''}`
  return field.maxLength === undefined || many ? `text${s}` : `text of at most ${field.maxLength} characters`
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: FieldSchema): string {
  // zod bounds each integer by what a number holds exactly.
  const highest = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  const lowest = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum
  if (lowest !== undefined && highest !== undefined) return `, ${count(lowest)} to ${count(highest)}`
  const bounds = [
    ...(lowest === undefined ? [] : [`at least ${count(lowest)}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${count(exclusiveMinimum)}`]),
    ...(highest === undefined ? [] : [`up to ${count(highest)}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${count(exclusiveMaximum)}`]),
  ]
  return bounds.length === 0 ? '' : `, ${bounds.join(', ')}`
}

function count(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 20 })
}

function defaultOf(field: FieldSchema, need: string): string {
  if (field.default === undefined) return need === '' ? 'none' : need
  if (field.default === '') return 'empty'
  if (Array.isArray(field.default) && field.default.length === 0) return 'none'
  // `{}`: what is within has defaults of its own.
  if (typeof field.default === 'object' && Object.keys(field.default ?? {}).length === 0) return 'that of its fields'
  return code(typeof field.default === 'string' ? field.default : JSON.stringify(field.default))
}

function code(text: string): string {
  return `\`${text}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
