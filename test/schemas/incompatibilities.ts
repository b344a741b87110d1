/** In which ways a JSON Schema breaks with an older one of the same thing. Knows the words that our own schemas use. */

export type JsonSchema = { [Key in string]?: unknown }

/**
 * What the newer schema refuses and the older one accepted, a line for each place: `guests.vmids: removed`. Where it
 * can't be told whether a change narrows, as with a pattern, it counts as narrower: a person has to look.
 * @param isKept something that other programs read: it may not become wider where they rely on it, either
 */
export function incompatibilities(older: JsonSchema, newer: JsonSchema, isKept = false): string[] {
  return compare(older, newer, '', { older, newer, isKept })
}

interface Whole {
  older: JsonSchema
  newer: JsonSchema
  isKept: boolean
}

function compare(before: JsonSchema, after: JsonSchema, at: string, whole: Whole): string[] {
  const older = resolved(before, whole.older)
  const newer = resolved(after, whole.newer)
  const branches = [older, newer].some((schema) => alternatives(schema) !== undefined)
  if (branches) return compareAlternatives(older, newer, at, whole)
  return [
    ...compareTypes(older, newer, at, whole),
    ...compareValues(older, newer, at),
    ...compareBounds(older, newer, at),
    ...compareProperties(older, newer, at, whole),
    ...compareItems(older, newer, at, whole),
  ]
}

/** A schema with `$ref` stands for another one of the same document. */
function resolved(schema: JsonSchema, document: JsonSchema): JsonSchema {
  const { $ref } = schema
  if (typeof $ref !== 'string') return schema
  const found = $ref
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '')
    .reduce<unknown>((value, step) => (value as JsonSchema | undefined)?.[step], document)
  if (typeof found !== 'object' || found === null) throw new Error(`${$ref} leads nowhere`)
  return resolved(found, document)
}

function alternatives({ oneOf, anyOf }: JsonSchema): JsonSchema[] | undefined {
  return (oneOf ?? anyOf) as JsonSchema[] | undefined
}

/** Each older alternative has to be one of the newer ones: the one that breaks with it least shows what is wrong. */
function compareAlternatives(older: JsonSchema, newer: JsonSchema, at: string, whole: Whole): string[] {
  const newerOnes = alternatives(newer) ?? [newer]
  return (alternatives(older) ?? [older]).flatMap((one) => {
    const tries = newerOnes.map((other) => compare(one, other, at, whole))
    return tries.toSorted((a, b) => a.length - b.length)[0] ?? []
  })
}

function typesOf({ type }: JsonSchema): string[] {
  return (Array.isArray(type) ? type : type === undefined ? [] : [type]) as string[]
}

function compareTypes(older: JsonSchema, newer: JsonSchema, at: string, { isKept }: Whole): string[] {
  const [before, after] = [typesOf(older), typesOf(newer)]
  // No type at all is any type.
  if (after.length === 0) return isKept && before.length > 0 ? [line(at, 'of any type now')] : []
  const accepts = (type: string) => after.includes(type) || (type === 'integer' && after.includes('number'))
  if (before.length === 0 || !before.every(accepts)) return [line(at, `of type ${after.join(', ')} now`)]
  const wider = after.some((type) => !before.includes(type))
  return isKept && wider ? [line(at, `may be of type ${after.join(', ')} now`)] : []
}

/** The values that there are, where they are listed. */
function valuesOf({ const: only, enum: several }: JsonSchema): unknown[] | undefined {
  return only === undefined ? (several as unknown[] | undefined) : [only]
}

function compareValues(older: JsonSchema, newer: JsonSchema, at: string): string[] {
  const after = valuesOf(newer)
  if (after === undefined) return []
  const before = valuesOf(older)
  if (before === undefined) return [line(at, `only ${after.join(', ')} now`)]
  return before.filter((value) => !after.includes(value)).map((value) => line(at, `no longer ${String(value)}`))
}

const LEAST = ['minLength', 'minItems', 'minProperties']
const MOST = ['maxLength', 'maxItems', 'maxProperties']
/** Any change of these may refuse what was accepted. */
const EXACT = ['pattern', 'format', 'multipleOf', 'contentEncoding', 'allOf', 'not', 'propertyNames', 'uniqueItems']

function compareBounds(older: JsonSchema, newer: JsonSchema, at: string): string[] {
  const changed = (words: string[], narrows: (before: unknown, after: unknown) => boolean) =>
    words
      .filter((word) => newer[word] !== undefined && narrows(older[word], newer[word]))
      .map((word) => line(at, `${word} ${JSON.stringify(newer[word])} now`))
  return [
    ...(isAbove(lowest(newer), lowest(older)) ? [line(at, `from ${boundText(lowest(newer))} now`)] : []),
    ...(isAbove(highest(newer), highest(older)) ? [line(at, `up to ${boundText(highest(newer))} now`)] : []),
    ...changed(LEAST, (before, after) => Number(after) > Number(before ?? 0)),
    ...changed(MOST, (before, after) => before === undefined || Number(after) < Number(before)),
    ...changed(EXACT, (before, after) => !takesAll(older, before, after)),
  ]
}

/** Whether a word is as it was, or is a pattern that all values fit which there were. */
function takesAll(older: JsonSchema, before: unknown, after: unknown): boolean {
  if (spelledOut(before) === spelledOut(after)) return true
  const values = valuesOf(older)
  return before === undefined && typeof after === 'string' && values !== undefined
    ? values.every((value) => new RegExp(after, 'u').test(String(value)))
    : false
}

/** A pattern's class of control characters may stand there by its name or by its members. */
function spelledOut(value: unknown): string | undefined {
  return JSON.stringify(value)?.replaceAll('\\\\p{Cc}', '\\\\u0000-\\\\u001F\\\\u007F-\\\\u009F')
}

interface Bound {
  value: number
  /** The value itself is refused. */
  isOpen: boolean
}

function lowest({ minimum, exclusiveMinimum }: JsonSchema): Bound {
  const [closed, open] = [
    Number(minimum ?? Number.NEGATIVE_INFINITY),
    Number(exclusiveMinimum ?? Number.NEGATIVE_INFINITY),
  ]
  return open >= closed && open > Number.NEGATIVE_INFINITY
    ? { value: open, isOpen: true }
    : { value: closed, isOpen: false }
}

/** With its sign turned, so that narrower is above, as it is of a lower bound. */
function highest({ maximum, exclusiveMaximum }: JsonSchema): Bound {
  const turned = (bound: unknown) => (bound === undefined ? undefined : -Number(bound))
  return lowest({ minimum: turned(maximum), exclusiveMinimum: turned(exclusiveMaximum) })
}

function isAbove(one: Bound, other: Bound): boolean {
  return one.value === other.value ? one.isOpen && !other.isOpen : one.value > other.value
}

function boundText({ value, isOpen }: Bound): string {
  return `${Math.abs(value)}${isOpen ? ', itself left out,' : ''}`
}

function compareProperties(older: JsonSchema, newer: JsonSchema, at: string, whole: Whole): string[] {
  const [before, after] = [propertiesOf(older), propertiesOf(newer)]
  const [required, requiredNow] = [requiredOf(older), requiredOf(newer)]
  return [
    ...Object.entries(before).flatMap(([name, schema]) => {
      const place = at === '' ? name : `${at}.${name}`
      const now = after[name]
      return now === undefined ? [line(place, 'removed')] : compare(schema, now, place, whole)
    }),
    ...requiredNow.filter((name) => !required.includes(name)).map((name) => line(at, `requires ${name} now`)),
    ...(whole.isKept ? required.filter((name) => name in after && !requiredNow.includes(name)) : []).map((name) =>
      line(at, `may lack ${name} now`),
    ),
    ...(newer['additionalProperties'] === false && older['additionalProperties'] !== false && 'type' in older
      ? [line(at, 'refuses further properties now')]
      : []),
    ...(isSchema(older['additionalProperties']) && isSchema(newer['additionalProperties'])
      ? compare(older['additionalProperties'], newer['additionalProperties'], `${at}.*`, whole)
      : []),
  ]
}

function compareItems(older: JsonSchema, newer: JsonSchema, at: string, whole: Whole): string[] {
  if (!isSchema(newer['items'])) return []
  return isSchema(older['items'])
    ? compare(older['items'], newer['items'], `${at}[]`, whole)
    : [line(at, 'has items of a type now')]
}

function propertiesOf({ properties }: JsonSchema): Record<string, JsonSchema> {
  return (properties ?? {}) as Record<string, JsonSchema>
}

function requiredOf({ required }: JsonSchema): string[] {
  return (required ?? []) as string[]
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function line(at: string, what: string): string {
  return `${at === '' ? '(whole)' : at}: ${what}`
}
