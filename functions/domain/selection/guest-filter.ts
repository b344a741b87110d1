/** Whether one guest fits one filter, in words: the bricks that `guest-selection.ts` builds on. */
import type { GuestKind } from '../../contracts/nouns.ts'
import {
  type GuestFilter,
  type GuestRunState,
  type ListKey,
  namedIds,
  parseIdRange,
  type TemplateChoice,
} from '../../contracts/selection.ts'
import { matchesGlob } from './glob.ts'

/** What choosing needs to know of a guest. What a silent node keeps to itself is absent; the name is then empty. */
export interface SelectableGuest {
  id: string
  kind: GuestKind
  name: string
  node: string
  state: GuestRunState
  template?: boolean
  tags: readonly string[]
  pool?: string
  /** There may be a pool that the account isn't shown. */
  poolHidden?: true
  /** As the platform's HA manager shows it; absent: not managed. */
  haState?: string
}

/** `fits: undefined`: what is known of the guest doesn't tell. `because` is a clause about the guest, as `it has tag prod`. */
export interface FilterFinding {
  fits: boolean | undefined
  because: string
}
export type Criterion = (guest: SelectableGuest) => FilterFinding

const kindNames = { vm: 'VM', container: 'container' } as const

/** Each key of the filter as a question; `vmids`, `ids` and `ranges` are one. Without `templates`, the given choice holds. */
export function criteriaOf(filter: GuestFilter, templates: TemplateChoice): Criterion[] {
  const { names, tags, pools, nodes, states, kinds, ha } = filter
  const criteria: Criterion[] = []
  if ([filter.vmids, filter.ids, filter.ranges].some((list) => list !== undefined)) criteria.push(idIn(filter))
  if (names !== undefined) criteria.push(nameIn(names))
  if (tags !== undefined) criteria.push(tagIn(tags))
  if (pools !== undefined) {
    criteria.push(poolIn(pools, filter.subPools ?? true))
  }
  if (nodes !== undefined) criteria.push(oneOf(nodes, ({ node }) => node, 'on node'))
  if (states !== undefined) criteria.push(stateIn(states))
  if (kinds !== undefined) {
    criteria.push(
      oneOf(
        kinds.map((kind) => kindNames[kind]),
        ({ kind }) => kindNames[kind],
        'a',
      ),
    )
  }
  if (ha !== undefined) criteria.push(haIn(ha))
  criteria.push(templateIs(filter.templates ?? templates, filter))
  return criteria
}

/** A filter of one key and one value of the given one, for finding values that fit no guest. */
export function singleValued({ subPools }: GuestFilter, key: ListKey, value: string | number): GuestFilter {
  return { [key]: [value], ...(key === 'pools' && subPools !== undefined ? { subPools } : {}) }
}

function idIn(filter: GuestFilter): Criterion {
  const ids = new Set(namedIds(filter))
  const parsed = (filter.ranges ?? []).flatMap((text) => parseIdRange(text) ?? [])
  return ({ id }) => {
    if (ids.has(id)) return { fits: true, because: 'it is listed by its id' }
    // `1e2` and `0x64` are ids of other platforms, and no numbers.
    const number = /^\d+$/.test(id) ? Number(id) : Number.NaN
    const range = parsed.find(({ first, last }) => number >= first && number <= last)
    if (range !== undefined) return { fits: true, because: `its id is in ${range.first}-${range.last}` }
    return { fits: false, because: 'its id is not among the selected ones' }
  }
}

function nameIn(patterns: readonly string[]): Criterion {
  return ({ name, node }) => {
    if (name === '') return { fits: undefined, because: `its name is unknown, since node ${node} doesn't report it` }
    const found = patterns.find((pattern) => matchesGlob(pattern, name))
    if (found !== undefined) return { fits: true, because: `its name ${name} matches ${found}` }
    return { fits: false, because: `its name ${name} doesn't match ${anyOf(patterns)}` }
  }
}

function tagIn(wanted: readonly string[]): Criterion {
  const folded = new Set(wanted.map((tag) => tag.toLowerCase()))
  return ({ tags }) => {
    const found = tags.find((tag) => folded.has(tag.toLowerCase()))
    if (found !== undefined) return { fits: true, because: `it has tag ${found}` }
    return { fits: false, because: `it doesn't have tag ${anyOf(wanted)}` }
  }
}

/** A sub-pool's name begins with its parent's and a slash. */
function poolIn(wanted: readonly string[], subPools: boolean): Criterion {
  return ({ pool, poolHidden }) => {
    if (pool === undefined) {
      const none = poolHidden === true ? 'in no pool that is shown' : 'in no pool'
      return { fits: false, because: `it is ${none}, not in pool ${anyOf(wanted)}` }
    }
    if (wanted.includes(pool)) return { fits: true, because: `it is in pool ${pool}` }
    const parent = wanted.find((one) => pool.startsWith(`${one}/`))
    if (parent === undefined) return { fits: false, because: `it is in pool ${pool}, not in pool ${anyOf(wanted)}` }
    return subPools
      ? { fits: true, because: `it is in pool ${pool}, a sub-pool of ${parent}` }
      : { fits: false, because: `it is in pool ${pool}, a sub-pool of ${parent}, and sub-pools are not meant` }
  }
}

function oneOf(wanted: readonly string[], valueOf: (guest: SelectableGuest) => string, is: string): Criterion {
  return (guest) => {
    const value = valueOf(guest)
    if (wanted.includes(value)) return { fits: true, because: `it is ${is} ${value}` }
    return { fits: false, because: `it is ${is} ${value}, not ${is} ${anyOf(wanted)}` }
  }
}

function stateIn(wanted: readonly GuestRunState[]): Criterion {
  return ({ state, node }) => {
    if (wanted.includes(state))
      return { fits: true, because: `it is ${state === 'unknown' ? 'in no known state' : state}` }
    if (state === 'unknown')
      return { fits: undefined, because: `its state is unknown, since node ${node} doesn't report it` }
    return { fits: false, because: `it is ${state}, not ${anyOf(wanted)}` }
  }
}

function haIn(wanted: readonly string[]): Criterion {
  return ({ haState }) => {
    const managed = haState === undefined ? 'unmanaged' : 'managed'
    const found = wanted.find((state) => state === managed || state === haState)
    const is = haState === undefined ? 'not managed by HA' : `managed by HA (${haState})`
    return {
      fits: found !== undefined,
      because: found === undefined ? `it is ${is}, not ${anyOf(wanted)}` : `it is ${is}`,
    }
  }
}

/** A guest that is named by its id is meant, template or not, unless the selection says expressly that it isn't. */
function templateIs(choice: TemplateChoice, filter: GuestFilter): Criterion {
  const named = new Set(filter.templates === undefined ? namedIds(filter) : [])
  return ({ id, template, node }) => {
    if (choice === 'only') {
      if (template === undefined) {
        return {
          fits: undefined,
          because: `it is unknown whether it is a template, since node ${node} doesn't report it`,
        }
      }
      return template ? { fits: true, because: 'it is a template' } : { fits: false, because: 'it is no template' }
    }
    // Unknown counts as no template: archiving one too many harms nobody, leaving out a guest for its silent node does.
    const leftOut = choice === 'leave-out' && template === true && !named.has(id)
    return leftOut
      ? { fits: false, because: 'it is a template, and templates are left out unless the selection includes them' }
      : { fits: true, because: '' }
  }
}

/** `a, b or c`; long lists are cut, since this ends up in a line for each guest. */
function anyOf(values: readonly string[]): string {
  const shown = values.slice(0, 5)
  const more = values.length - shown.length
  return more > 0
    ? `${shown.join(', ')} or ${more} more`
    : [shown.slice(0, -1).join(', '), ...shown.slice(-1)].filter((part) => part !== '').join(' or ')
}
