import {
  type GuestFilter,
  type GuestSelection,
  type ListKey,
  namedIds,
  narrowingKeys,
} from '../../contracts/selection.ts'

const LONGEST_LIST = 20

const words: Record<ListKey, string> = {
  vmids: '',
  ids: '',
  ranges: '',
  names: 'named',
  tags: 'with tag',
  pools: 'in pool',
  nodes: 'on node',
  states: 'that are',
  kinds: 'of kind',
  ha: 'with HA',
}

/** A selection as a phrase: `guests 100, 101`; `all guests except those with tag scratch`; `guests with tag prod on node pve1`. */
export function describeSelection(selection: GuestSelection): string {
  const { exclude } = selection
  const what = selection.templates === 'only' ? 'templates' : selection.all === true ? 'all guests' : 'guests'
  const templates = selection.templates === 'include' ? ' (templates too)' : ''
  const except =
    exclude === undefined ? '' : ` except ${exclude.templates === 'only' ? 'templates' : 'those'}${phrases(exclude)}`
  return `${what}${phrases(selection)}${templates}${except}`
}

function phrases(filter: GuestFilter): string {
  const ids = [...namedIds(filter), ...(filter.ranges ?? [])]
  const others = narrowingKeys(filter).filter((key) => words[key] !== '')
  const subPools = filter.subPools === false ? ' (without sub-pools)' : ''
  return [
    ...(ids.length === 0 ? [] : [` ${list(ids, ', ')}`]),
    ...others.map((key) => ` ${words[key]} ${list(filter[key] ?? [], ' or ')}${key === 'pools' ? subPools : ''}`),
  ].join('')
}

function list(values: readonly (string | number)[], separator: string): string {
  const more = values.length - LONGEST_LIST
  const shown = values.slice(0, LONGEST_LIST).join(separator)
  return more > 0 ? `${shown} and ${more} more` : shown
}
