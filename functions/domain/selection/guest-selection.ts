/** From all guests and a selection: who is chosen, who is left out, and why each. Pure; its order depends on ids alone. */
import {
  type GuestFilter,
  type GuestSelection,
  type ListKey,
  namedIds,
  narrowingKeys,
} from '../../contracts/selection.ts'
import { byId, compareIds } from '../identity/compare-ids.ts'
import { type Criterion, criteriaOf, type FilterFinding, type SelectableGuest, singleValued } from './guest-filter.ts'

/**
 * `undecided`: whether the guest is meant depends on something that its silent node doesn't tell. It is neither archived
 * nor passed over in silence: a run counts it as failed.
 */
export interface Decision<Guest extends SelectableGuest> {
  guest: Guest
  verdict: 'chosen' | 'left-out' | 'undecided'
  /** A sentence. */
  reason: string
}

export interface Selected<Guest extends SelectableGuest> {
  /** One for each guest, by id. */
  decisions: Decision<Guest>[]
  /** Ids that the selection lists and nobody knows, in their order. */
  missing: string[]
  /** Sentences about values that fit no guest at all: a typing error, or a thing that is gone. */
  unmatched: string[]
}

export function selectGuests<Guest extends SelectableGuest>(
  guests: readonly Guest[],
  selection: GuestSelection,
): Selected<Guest> {
  const { exclude } = selection
  const wanted = criteriaOf(selection, 'leave-out')
  const unwanted = exclude === undefined ? undefined : criteriaOf(exclude, 'include')
  const ordered = guests.toSorted(byId)
  const known = new Set(ordered.map(({ id }) => id))
  return {
    decisions: ordered.map((guest) => ({ guest, ...decide(guest, wanted, unwanted) })),
    missing: namedIds(selection)
      .filter((id) => !known.has(id) && !isExcludedById(id, exclude))
      .toSorted(compareIds),
    unmatched: [
      ...unmatched(ordered, selection, ''),
      ...(exclude === undefined ? [] : unmatched(ordered, exclude, 'exclude.')),
    ],
  }
}

function decide(
  guest: SelectableGuest,
  wanted: readonly Criterion[],
  unwanted: readonly Criterion[] | undefined,
): Pick<Decision<SelectableGuest>, 'verdict' | 'reason'> {
  const is = allOf(wanted, guest)
  if (is.fits === false) return { verdict: 'left-out', reason: sentence(is.because) }
  const isNot = unwanted === undefined ? undefined : allOf(unwanted, guest)
  if (isNot?.fits === true) return { verdict: 'left-out', reason: sentence(`it is excluded: ${isNot.because}`) }
  for (const finding of [is, isNot]) {
    if (finding !== undefined && finding.fits === undefined)
      return { verdict: 'undecided', reason: sentence(finding.because) }
  }
  return { verdict: 'chosen', reason: sentence(is.because === '' ? 'all guests are selected' : is.because) }
}

/** One doubt is enough to doubt, one no is enough for no. */
function allOf(criteria: readonly Criterion[], guest: SelectableGuest): FilterFinding {
  const findings = criteria.map((criterion) => criterion(guest))
  const decisive = findings.find(({ fits }) => fits === false) ?? findings.find(({ fits }) => fits === undefined)
  if (decisive !== undefined) return decisive
  return {
    fits: true,
    because: findings
      .map(({ because }) => because)
      .filter((because) => because !== '')
      .join(' and '),
  }
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`
}

const ID_KEYS: readonly ListKey[] = ['vmids', 'ids', 'ranges']

/** An unknown guest can only be excluded by what is known of it. */
function isExcludedById(id: string, exclude: GuestFilter | undefined): boolean {
  if (exclude === undefined || exclude.templates === 'only') return false
  const keys = narrowingKeys(exclude)
  if (keys.length === 0 || keys.some((key) => !ID_KEYS.includes(key))) return false
  const stub = { id, kind: 'vm', name: '', node: '', state: 'unknown', tags: [] } as const
  return allOf(criteriaOf(exclude, 'include'), stub).fits === true
}

/** Ids have their own way of being missing; states and kinds are a closed list that nobody mistypes. */
const NAMING_KEYS: readonly ListKey[] = ['ranges', 'names', 'tags', 'pools', 'nodes', 'ha']

function unmatched(guests: readonly SelectableGuest[], filter: GuestFilter, prefix: string): string[] {
  return NAMING_KEYS.flatMap((key) =>
    (filter[key] ?? [])
      .filter((value) => {
        const [fits] = criteriaOf(singleValued(filter, key, value), 'include')
        return guests.every((guest) => fits?.(guest).fits === false)
      })
      .map((value) => `guests.${prefix}${key}: no guest that this account sees fits "${value}".`),
  )
}
