/** What all Describe calls share: filters, pages, and asking by id. */
import { type Call, permitted } from './call.ts'
import { ec2 } from './errors.ts'
import type { Parameters } from './wire.ts'
import type { Tags } from './world.ts'

/** For each filter, the values of an item that it may match. */
export type Filters<T> = Record<string, (item: T) => readonly (string | undefined)[]>

const pattern = (value: string): RegExp =>
  new RegExp(
    `^${value
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
    's',
  )

export function filtered<T extends { tags: Tags }>(
  parameters: Parameters,
  items: readonly T[],
  known: Filters<T>,
): T[] {
  const asked = parameters.members('Filter').map((filter) => {
    const name = parameters.need(`${filter}.Name`)
    const values = parameters.list(`${filter}.Value`).map(pattern)
    return { valuesOf: valuesOf(name, known), values }
  })
  return items.filter((item) =>
    asked.every(({ valuesOf, values }) =>
      valuesOf(item).some((has) => has !== undefined && values.some((value) => value.test(has))),
    ),
  )
}

function valuesOf<T extends { tags: Tags }>(name: string, known: Filters<T>): Filters<T>[string] {
  if (name.startsWith('tag:')) return ({ tags }) => [tags.get(name.slice(4))]
  if (name === 'tag-key') return ({ tags }) => [...tags.keys()]
  const found = known[name]
  if (found === undefined) throw ec2('InvalidParameterValue', `The filter '${name}' is invalid`)
  return found
}

/**
 * One page. `ids` is the parameter that names some of them, with which no page may be asked for.
 */
export function paged<T>(call: Call, items: readonly T[], ids: string | undefined): { page: T[]; nextToken?: string } {
  const { parameters, name } = call
  const most = parameters.number('MaxResults')
  const token = parameters.get('NextToken')
  if (ids !== undefined && parameters.members(ids).length > 0 && most !== undefined)
    throw ec2('InvalidParameterCombination', `The parameter ${ids} cannot be used with the parameter MaxResults`)
  if (most !== undefined && (most < 5 || most > 1000))
    throw ec2(
      'InvalidParameterValue',
      `Value ( ${most} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`,
    )
  const start = token === undefined ? 0 : startOf(token, name)
  permitted(call)
  const end = start + (most ?? 1000)
  const page = items.slice(start, end)
  return end < items.length
    ? { page, nextToken: Buffer.from(JSON.stringify({ name, end })).toString('base64') }
    : { page }
}

function startOf(token: string, name: string): number {
  try {
    const read = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as { name?: unknown; end?: unknown }
    if (read.name === name && typeof read.end === 'number') return read.end
  } catch {
    // Not one of ours, as below.
  }
  throw ec2('InvalidNextToken', 'The specified next token is not valid.')
}
