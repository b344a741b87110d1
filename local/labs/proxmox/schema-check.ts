/** Parameter checking with the texts of pve-common's JSONSchema.pm (9.2). Values stay text, as they do in Perl. */
import { parameterError } from './api-error.ts'
import { checkFormat, type FormatName, splitList } from './formats.ts'

export interface Parameter {
  type: 'string' | 'integer' | 'boolean' | 'number' | 'array'
  required?: true
  oneOf?: readonly string[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: RegExp
  format?: FormatName
  /** Another parameter that must be there when this one is. */
  needs?: string
}

export type ParameterTable = Record<string, Parameter>
export type Values = Record<string, string>

const MISSING = 'property is missing and it is not optional'
const UNKNOWN = 'property is not defined in schema and the schema does not allow additional properties'

function typeProblem(rule: Parameter, value: string): string | undefined {
  const failed = `type check ('${rule.type}') failed - got '${value}'`
  if (rule.type === 'integer') return /^[+-]?\d+$/.test(value) ? undefined : failed
  if (rule.type === 'number') return /^[+-]?\d+(\.\d+)?$/.test(value) ? undefined : failed
  if (rule.type === 'boolean') return value === '0' || value === '1' ? undefined : failed
  return undefined
}

/** What is wrong with one value, in the server's words. */
export function problemOf(rule: Parameter, value: string): string | undefined {
  const wrongType = typeProblem(rule, value)
  if (wrongType !== undefined) return wrongType
  if (rule.format !== undefined) {
    const wrongFormat = checkFormat(rule.format, value)
    if (wrongFormat !== undefined) return `invalid format - ${wrongFormat}\n`
  }
  if (rule.pattern !== undefined && !rule.pattern.test(value)) return 'value does not match the regex pattern'
  if (rule.maxLength !== undefined && value.length > rule.maxLength)
    return `value may only be ${rule.maxLength} characters long`
  if (rule.minLength !== undefined && value.length < rule.minLength)
    return `value must be at least ${rule.minLength} characters long`
  if (rule.minimum !== undefined && Number(value) < rule.minimum)
    return `value must have a minimum value of ${rule.minimum}`
  if (rule.maximum !== undefined && Number(value) > rule.maximum)
    return `value must have a maximum value of ${rule.maximum}`
  if (rule.oneOf !== undefined && !rule.oneOf.includes(value)) {
    return `value '${value}' does not have a value in the enumeration '${rule.oneOf.join(', ')}'`
  }
  return undefined
}

/** A value as it came: form and query give text (or several), JSON gives anything. */
export type RawValue = string | string[] | number | boolean | null | object

function asText(rule: Parameter | undefined, raw: RawValue): string {
  if (Array.isArray(raw)) {
    if (rule?.type === 'array' || rule?.format?.endsWith('-list') === true) return raw.map(String).join(',')
    // A key that is repeated in a form keeps every value, joined as Perl's tied hash does.
    return raw.map(String).join('\0')
  }
  if (typeof raw === 'boolean') return raw ? '1' : '0'
  return typeof raw === 'object' ? 'HASH' : String(raw)
}

/**
 * The values as text, lists normalised to commas.
 * @throws ApiError 400 with a text per wrong parameter
 */
export function checkParameters(table: ParameterTable, raw: Record<string, RawValue>): Values {
  const errors: Record<string, string> = {}
  const values: Values = {}
  for (const [name, rawValue] of Object.entries(raw)) {
    const rule = table[name]
    if (rule === undefined) errors[name] = UNKNOWN
    if (rawValue === null) continue
    values[name] = asText(rule, rawValue)
  }
  for (const [name, rule] of Object.entries(table)) {
    const value = values[name]
    if (value === undefined) {
      if (rule.required === true) errors[name] = MISSING
      continue
    }
    const problem = problemOf(rule, value)
    if (problem !== undefined) errors[name] = problem
    if (rule.needs !== undefined && values[rule.needs] === undefined) {
      errors[rule.needs] = `missing property required by '${name}'`
    }
    if (rule.format?.endsWith('-list') === true) values[name] = splitList(value).join(',')
  }
  if (Object.keys(errors).length > 0) throw parameterError(errors)
  return values
}
