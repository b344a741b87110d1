/** One call of Resource Manager, and what its handlers answer. */
import { badRequest, Refusal } from '../errors.ts'
import type { Json, LabState, World } from '../world.ts'
import type { Target } from './target.ts'

export interface ArmCall {
  state: LabState
  world: World
  /** As the routes name it: `snapshots.get`. */
  name: string
  target: Target
  path: string
  query: URLSearchParams
  body: Json
  /** Which of a resource's versions was asked. */
  api: string
}

export interface ArmAnswer {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

export const group = ({ target }: ArmCall): string => target.group ?? ''
export const nameAt = ({ target }: ArmCall, place = 0): string => target.names[place] ?? ''

/** An object in an object; an empty one where there is none. */
export function inner(from: unknown, ...path: string[]): Json {
  let at: unknown = from
  for (const word of path) at = (at as Json | undefined)?.[word]
  return typeof at === 'object' && at !== null ? (at as Json) : {}
}

export const textOf = (from: Json, field: string): string | undefined => {
  const value = from[field]
  return typeof value === 'string' ? value : undefined
}

/** @throws Refusal where it is missing */
export function needText(from: Json, field: string, where: string): string {
  const text = textOf(from, field)
  if (text === undefined || text === '')
    throw badRequest(`Required parameter '${where}' is missing (null).`, 'InvalidParameter')
  return text
}

export function tagsOf(body: Json): Record<string, string> {
  return Object.fromEntries(Object.entries(inner(body, 'tags')).map(([key, value]) => [key, String(value)]))
}

/** @throws Refusal as Resource Manager refuses text that is no JSON object */
export function jsonOf(bytes: Uint8Array): Json {
  if (bytes.length === 0) return {}
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Json
  } catch {
    // Refused below.
  }
  throw new Refusal(400, 'InvalidRequestContent', 'The request content was invalid and could not be deserialized.')
}

/** One page of a list. The link to the next holds its own query. */
export function listed({ state, world, path, query }: ArmCall, all: readonly unknown[]): ArmAnswer {
  const size = world.settings.pageSize
  const from = Number(query.get('$skiptoken') ?? 0)
  const page = all.slice(from, from + size)
  const more = new URLSearchParams(query)
  more.set('$skiptoken', String(from + size))
  const next = from + size < all.length ? { nextLink: `${state.url}${path}?${more.toString()}` } : {}
  return { status: 200, body: { value: page, ...next } }
}
