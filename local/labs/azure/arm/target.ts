/** Paths of Resource Manager: what a request is about. Words of the path count in any case. */

export interface Target {
  subscription: string
  /** As it was written. */
  group?: string
  namespace?: string
  /** Lower case: `['restorepointcollections', 'restorepoints']`. */
  types: readonly string[]
  /** As they were written; one fewer than the types where a list is asked for. */
  names: readonly string[]
  /** Lower case, of a POST. */
  verb?: string
}

/** `method`, types and places of names, as `GET microsoft.compute/virtualmachines/*`. */
export function shapeOf(method: string, { group, namespace, types, names, verb }: Target): string {
  const parts = types.flatMap((type, place) => [type, ...(place < names.length ? ['*'] : [])])
  const where = group === undefined ? '' : namespace === undefined ? 'group' : ''
  return `${method} ${[where, namespace, ...parts, verb].filter((part) => part !== undefined && part !== '').join('/')}`
}

/** @returns nothing for a path that is none of Resource Manager's */
export function targetOf(method: string, path: string): Target | undefined {
  const words = path.split('/').slice(1).map(decodeURIComponent)
  if (words[0]?.toLowerCase() !== 'subscriptions' || words[1] === undefined) return undefined
  const subscription = words[1]
  const inGroup = words[2]?.toLowerCase() === 'resourcegroups'
  const group = inGroup ? words[3] : undefined
  const rest = words.slice(inGroup ? 4 : 2)
  const owner = { subscription, ...(group === undefined ? {} : { group }) }
  if (rest.length === 0) return { ...owner, types: inGroup && group === undefined ? ['resourcegroups'] : [], names: [] }
  if (rest[0]?.toLowerCase() !== 'providers' || rest[1] === undefined) return undefined
  const pairs = rest.slice(2)
  const verb = method === 'POST' && pairs.length % 2 === 1 ? pairs.pop()?.toLowerCase() : undefined
  return {
    ...owner,
    namespace: rest[1].toLowerCase(),
    types: pairs.filter((_word, place) => place % 2 === 0).map((word) => word.toLowerCase()),
    names: pairs.filter((_word, place) => place % 2 === 1),
    ...(verb === undefined ? {} : { verb }),
  }
}

/** The same resource has one of these, however its id is written. */
export const keyOf = (id: string): string => id.toLowerCase()

const escaped = (word: string): string => word.replaceAll('/', '%2F')

export function idOf(subscription: string, group: string, type: string, ...names: string[]): string {
  const [namespace = '', ...types] = type.split('/')
  const rest = types.map((each, place) => `${each}/${escaped(names[place] ?? '')}`).join('/')
  return `/subscriptions/${subscription}/resourceGroups/${group}/providers/${namespace}/${rest}`
}
