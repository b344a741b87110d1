import jsonata from 'jsonata'
import { awsFunctions, type Surroundings } from './aws-functions.ts'
import { evaluationFailure, type StateFailure } from './errors.ts'
import { unsupportedExpression } from './expression-checks.ts'
import { isObject, type Json, type JsonObject, jsonType } from './json.ts'

/** What an expression sees. `states` becomes `$states`; fields that don't exist at this point of the state are absent. */
export interface EvaluationContext {
  readonly states: {
    readonly input: Json
    readonly result?: Json
    readonly errorOutput?: Json
    readonly context: JsonObject
  }
  readonly variables: Readonly<Record<string, Json>>
  readonly surroundings: Surroundings
}

/** A field's value, parsed once: constant where it has no `{% … %}`, with its place in the state (`Output/total`, `Choices[1]/Condition`). */
export type Template =
  | { readonly kind: 'constant'; readonly value: Json; readonly location: string }
  | { readonly kind: 'array'; readonly items: readonly Template[]; readonly location: string }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [string, Template])[]; readonly location: string }
  | ExpressionTemplate

export interface ExpressionTemplate {
  readonly kind: 'expression'
  /** The text between the braces, trimmed: AWS quotes it in its messages. */
  readonly source: string
  readonly location: string
  readonly program: jsonata.Expression
}

/** Receives what is wrong with a field; `location` is the field's place in the state. */
export type Complain = (location: string, message: string) => void

const OPENING = '{%'
const CLOSING = '%}'

/**
 * Steps that an expression may take; AWS ends runaway recursion by time. Counted and not timed: a busy machine must not
 * fail an ordinary expression. A step for each of 10,000 guests is a hundredth of it; all of it takes seconds.
 */
const STEP_LIMIT = 5_000_000
/** Keeps recursion without end from eating the memory before the time is up. AWS's own limit is 100 nested levels. */
const NESTING_LIMIT = 50_000

/** Parses every expression in a field's value. Problems go to `complain`; the template is usable only when there were none. */
export function compileTemplate(
  value: unknown,
  location: string,
  complain: Complain,
  place: { readonly inCatch: boolean } = { inCatch: false },
): Template {
  if (typeof value === 'string') return compileText(value, location, complain, place)
  if (Array.isArray(value)) {
    return foldConstants({
      kind: 'array',
      location,
      items: value.map((item, index) => compileTemplate(item, `${location}[${index}]`, complain, place)),
    })
  }
  if (isObject(value)) {
    const fields = Object.entries(value).map(
      ([key, item]) => [key, compileTemplate(item, `${location}/${key}`, complain, place)] as const,
    )
    return foldConstants({ kind: 'object', location, fields })
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'number') {
    return { kind: 'constant', value, location }
  }
  complain(location, `Value of type ${typeof value} is not JSON`)
  return { kind: 'constant', value: null, location }
}

/** An expression's source if the text is one; undefined for plain text. */
export function expressionSource(text: string): string | undefined {
  return text.startsWith(OPENING) && text.endsWith(CLOSING) && text.length >= 4 ? text.slice(2, -2).trim() : undefined
}

function compileText(
  text: string,
  location: string,
  complain: Complain,
  place: { readonly inCatch: boolean },
): Template {
  const source = expressionSource(text)
  if (source === undefined) {
    const trimmed = text.trim()
    if (trimmed.startsWith(OPENING) || trimmed.endsWith(CLOSING)) {
      complain(
        location,
        `A JSONata expression must start with '${OPENING}' and end with '${CLOSING}', with nothing around them`,
      )
    }
    return { kind: 'constant', value: text, location }
  }
  try {
    const program = jsonata(source)
    guard(program)
    const unsupported = unsupportedExpression(program.ast(), place)
    if (unsupported !== undefined) complain(location, unsupported)
    return { kind: 'expression', source, location, program }
  } catch (error) {
    complain(location, `INVALID_JSONATA_EXPRESSION: ${describeJsonataError(error)}`)
    return { kind: 'constant', value: null, location }
  }
}

/** Fields without an expression are copied as they stand, so a large constant costs nothing per evaluation. */
function foldConstants(template: Extract<Template, { kind: 'array' | 'object' }>): Template {
  if (template.kind === 'array') {
    if (!template.items.every((item) => item.kind === 'constant')) return template
    return { kind: 'constant', location: template.location, value: template.items.map((item) => item.value) }
  }
  const entries: [string, Json][] = []
  for (const [key, field] of template.fields) {
    if (field.kind !== 'constant') return template
    entries.push([key, field.value])
  }
  return { kind: 'constant', location: template.location, value: Object.fromEntries(entries) }
}

class Guard {
  steps = 0
  depth = 0
}

interface GuardedEnvironment {
  lookup(name: string): unknown
}

/** JSONata's own hooks around each evaluation step; `$__guard` is bound anew for each run of the program. */
function guard(program: jsonata.Expression): void {
  const hooks: { assign(name: string | symbol, value: unknown): void } = program
  hooks.assign(
    Symbol.for('jsonata.__evaluate_entry'),
    (_ast: unknown, _input: unknown, environment: GuardedEnvironment) => {
      const run = environment.lookup('__guard')
      if (!(run instanceof Guard)) return
      run.depth += 1
      if (run.depth > NESTING_LIMIT) {
        throw Object.assign(new Error(), {
          code: 'U1001',
          message: `Stack overflow error: Check for non-terminating recursive function. Depth=${run.depth} max=${NESTING_LIMIT}`,
        })
      }
      run.steps += 1
      if (run.steps > STEP_LIMIT) {
        throw Object.assign(new Error(), {
          code: 'U1001',
          message: 'Expression evaluation timeout: Check for infinite loop',
        })
      }
    },
  )
  hooks.assign(
    Symbol.for('jsonata.__evaluate_exit'),
    (_ast: unknown, _input: unknown, environment: GuardedEnvironment) => {
      const run = environment.lookup('__guard')
      if (run instanceof Guard) run.depth -= 1
    },
  )
}

/** Evaluates a field. Throws the StateFailure `States.QueryEvaluationError`, worded as AWS words it and with the field's location. */
export async function evaluateTemplate(template: Template, context: EvaluationContext): Promise<Json> {
  switch (template.kind) {
    case 'constant':
      return template.value
    case 'array': {
      const items: Json[] = []
      for (const item of template.items) items.push(await evaluateTemplate(item, context))
      return items
    }
    case 'object': {
      const entries: [string, Json][] = []
      for (const [key, field] of template.fields) entries.push([key, await evaluateTemplate(field, context)])
      return Object.fromEntries(entries)
    }
    case 'expression':
    default:
      return evaluateExpression(template, context)
  }
}

async function evaluateExpression(template: ExpressionTemplate, context: EvaluationContext): Promise<Json> {
  const about = `The JSONata expression '${template.source}' specified for the field '${template.location}'`
  let result: unknown
  try {
    result = await template.program.evaluate(undefined, {
      ...awsFunctions(context.surroundings),
      ...context.variables,
      states: context.states,
      __guard: new Guard(),
    })
  } catch (error) {
    throw evaluationFailure(
      `${about} threw an error during evaluation. ${describeJsonataError(error)}`,
      template.location,
    )
  }
  if (result === undefined) throw evaluationFailure(`${about} returned nothing (undefined).`, template.location)
  return plainResult(result, () =>
    evaluationFailure(`${about} returned an unsupported result type.`, template.location),
  )
}

/** Copies a result into plain JSON: functions and patterns are refused, numbers JSON can't hold become the text AWS writes. */
function plainResult(value: unknown, refuse: () => StateFailure): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  // AWS writes Infinity and NaN as text, and negative zero as zero.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : String(value)
  if (Array.isArray(value)) return value.map((item) => plainResult(item, refuse))
  if (typeof value !== 'object' || !isPlain(value)) throw refuse()
  const entries: [string, Json][] = []
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) entries.push([key, plainResult(item, refuse)])
  }
  return Object.fromEntries(entries)
}

function isPlain(value: object): value is Record<string, unknown> {
  if ('_jsonata_function' in value || '_jsonata_lambda' in value || value instanceof RegExp) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function describeJsonataError(error: unknown): string {
  if (!isObject(error) && !(error instanceof Error)) return String(error)
  const { code, message } = error as { code?: unknown; message?: unknown }
  return typeof code === 'string' ? `${code}: ${String(message)}` : String(message)
}

/** The failure for a field whose value has the wrong type. Constants are checked when the definition is loaded, so only expressions get here. */
export function unexpectedType(template: Template, expected: string, value: Json): StateFailure {
  const source = template.kind === 'expression' ? template.source : JSON.stringify(value)
  return evaluationFailure(
    `The JSONata expression '${source}' specified for the field '${template.location}' returned an unexpected result type. ` +
      `Expected '${expected}', but was '${jsonType(value)}' for value: ${JSON.stringify(value)}`,
    template.location,
  )
}
