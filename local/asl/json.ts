/** A JSON value: everything that moves between states. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Narrower than isObject: for values that are JSON already. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return isObject(value)
}

/** The words of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Size of the value as AWS counts it: bytes of its UTF-8 JSON text, without white space. */
export function jsonBytes(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** The word that AWS's messages use for a value's type. */
export function jsonType(value: Json): 'null' | 'array' | 'object' | 'string' | 'number' | 'boolean' {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'object') return 'object'
  if (typeof value === 'string') return 'string'
  return typeof value === 'number' ? 'number' : 'boolean'
}

/**
 * Takes what a task or a caller returned as JSON, the way it crosses a wire: `undefined` becomes null, dates become strings.
 * Throws TypeError for what JSON can't hold (cycles, bigints).
 */
export function toJson(value: unknown): Json {
  const text: string | undefined = JSON.stringify(value)
  const parsed: Json = text === undefined ? null : JSON.parse(text)
  return parsed
}
