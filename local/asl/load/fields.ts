import type { DefinitionProblem } from '../errors.ts'
import { compileTemplate, expressionSource, type Template } from '../expressions.ts'
import { isObject } from '../json.ts'
import { LIMITS } from '../limits.ts'

export type QueryLanguage = 'JSONata' | 'JSONPath'

/** One object of the definition under inspection: reads its fields and collects what is wrong, with AWS's pointers. */
export class Fields {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
  readonly #problems: DefinitionProblem[]

  constructor(path: string, values: Readonly<Record<string, unknown>>, problems: DefinitionProblem[]) {
    this.path = path
    this.values = values
    this.#problems = problems
  }

  has(name: string): boolean {
    return this.values[name] !== undefined
  }

  complain(place: string, message: string): void {
    this.#problems.push({ path: place === '' ? this.path || '/' : `${this.path}/${place}`, message })
  }

  /** Refuses every field that isn't in the list. `reasons` explains fields that exist at AWS but aren't usable here. */
  allowOnly(names: readonly string[], reasons: Readonly<Record<string, string>> = {}): void {
    for (const name of Object.keys(this.values)) {
      if (!names.includes(name)) this.complain(name, reasons[name] ?? `Field '${name}' is not supported`)
    }
  }

  require(name: string): boolean {
    if (this.has(name)) return true
    this.complain('', `The field '${name}' is missing`)
    return false
  }

  text(name: string): string | undefined {
    const value = this.values[name]
    if (value === undefined || typeof value === 'string') return value
    this.complain(name, 'Expected value of type [STRING]')
    return undefined
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.values[name]
    if (value === undefined) return fallback
    const known = allowed.find((candidate) => candidate === value)
    if (known === undefined) this.complain(name, `Value should be one of the following: [${allowed.join(', ')}]`)
    return known ?? fallback
  }

  number(name: string, range: NumberRange): number | undefined {
    const value = this.values[name]
    if (value === undefined) return undefined
    if (typeof value === 'number' && fits(value, range)) return value
    this.complain(name, `Expected ${describe(range)}`)
    return undefined
  }

  /** A nested object; undefined (with a complaint, unless it is absent) for anything else. */
  object(name: string): Fields | undefined {
    const value = this.values[name]
    if (value === undefined) return undefined
    if (isObject(value)) return this.at(name, value)
    this.complain(name, 'Expected value of type [OBJECT]')
    return undefined
  }

  objects(name: string): readonly Fields[] {
    const value = this.values[name]
    if (value === undefined) return []
    if (!Array.isArray(value)) {
      this.complain(name, 'Expected value of type [ARRAY]')
      return []
    }
    const found: Fields[] = []
    for (const [index, item] of value.entries()) {
      if (isObject(item)) found.push(this.at(`${name}[${index}]`, item))
      else this.complain(`${name}[${index}]`, 'Expected value of type [OBJECT]')
    }
    return found
  }

  at(place: string, values: Readonly<Record<string, unknown>>): Fields {
    return new Fields(`${this.path}/${place}`, values, this.#problems)
  }

  /**
   * Parses a field that may hold expressions. `prefix` is the field's place in its state for fields of a rule or a catcher.
   */
  template(name: string, options: TemplateOptions = {}): Template | undefined {
    const value = this.values[name]
    if (value === undefined) return undefined
    const prefix = options.prefix ?? ''
    // Locations are relative to the state, but this object may lie deeper: its path already says so.
    return compileTemplate(
      value,
      `${prefix}${name}`,
      (location, message) => this.complain(location.slice(prefix.length), message),
      { inCatch: options.inCatch ?? false },
    )
  }

  /** A field that is a constant of a given kind or a JSONata expression whose result is checked when it is evaluated. */
  typed(name: string, accepts: (value: unknown) => boolean, expected: string, prefix = ''): Template | undefined {
    const value = this.values[name]
    const isExpression = typeof value === 'string' && expressionSource(value) !== undefined
    if (value !== undefined && !isExpression && !accepts(value)) {
      this.complain(name, `Expected ${expected} or a JSONata expression`)
      return undefined
    }
    return this.template(name, { prefix })
  }

  numberOrExpression(name: string, range: NumberRange, prefix = ''): Template | undefined {
    return this.typed(name, (value) => typeof value === 'number' && fits(value, range), describe(range), prefix)
  }
}

export interface TemplateOptions {
  readonly prefix?: string
  readonly inCatch?: boolean
}

export interface NumberRange {
  readonly min: number
  readonly max?: number
  readonly fractions?: boolean
}

export function fits(value: number, range: NumberRange): boolean {
  const { min, max = LIMITS.count, fractions = false } = range
  return value >= min && value <= max && (fractions ? Number.isFinite(value) : Number.isInteger(value))
}

function describe(range: NumberRange): string {
  return `${range.fractions ? 'a number' : 'an integer'} between ${range.min} and ${range.max ?? LIMITS.count}`
}
