import { GuestNotFound, NodeOffline, PrivilegeMissing } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import { type GuestSelection, type ListKey, narrowingKeys, type SelectionRecord } from '../../contracts/selection.ts'
import { describeSelection } from '../../domain/selection/describe-selection.ts'
import { type Decision, type Selected, selectGuests } from '../../domain/selection/guest-selection.ts'
import type { GuestList, GuestRecord, ListDepth } from '../../providers/guest-facts.ts'
import type { Provider } from '../../providers/provider.ts'
import { requireKnownKeys } from './require-known-keys.ts'

/** A guest that is meant and can't possibly be archived. */
export interface FailedChoice {
  guest: Pick<Guest, 'id'> & Partial<Guest>
  /** Name of the error. */
  error: string
  reason: string
}

export interface Choice {
  /** In the order of their ids. */
  chosen: GuestRecord[]
  failed: FailedChoice[]
  decisions: Decision<GuestRecord>[]
  /** What may be wrong with the selection, a sentence each: values that fit nothing, guests that may be hidden. */
  doubts: string[]
  record: SelectionRecord
  /** Whom the site listed, chosen or not. */
  list: Pick<GuestList, 'guests' | 'mayLack'>
}

/**
 * Ask the site for its guests and apply the selection. `depth` as for `Provider.listGuests`.
 * @throws InvalidJob when the selection has a key that the site's platform doesn't know
 */
export async function chooseGuests(
  site: string,
  selection: GuestSelection,
  provider: Pick<Provider, 'platform' | 'selectionKeys' | 'privilegeToSee' | 'listGuests'>,
  depth?: ListDepth,
): Promise<Choice> {
  requireKnownKeys(site, selection, provider)
  const list = await provider.listGuests(depth)
  const selected = selectGuests(list.guests, selection)
  const { decisions, missing } = selected
  const chosen = decisions.filter(({ verdict }) => verdict === 'chosen').map(({ guest }) => guest)
  const doubts = doubtsAbout(selection, selected, list)
  return {
    chosen: chosen.filter(({ missingPrivileges }) => missingPrivileges.length === 0),
    failed: [
      ...missing.map((id) => notFound(site, id, provider.privilegeToSee(id))),
      ...decisions.filter(({ verdict }) => verdict === 'undecided').map((decision) => undecided(site, decision)),
      ...chosen.filter(({ missingPrivileges }) => missingPrivileges.length > 0).map((guest) => forbidden(site, guest)),
    ],
    decisions,
    doubts,
    record: {
      version: 1,
      selection: describeSelection(selection),
      notes: [...summaryOf(selection, selected), ...doubts],
      missing,
      guests: decisions.map(({ guest: { id, kind, name, node }, verdict, reason }) => ({
        id,
        kind,
        name,
        node,
        verdict,
        reason,
      })),
    },
    list,
  }
}

function notFound(site: string, id: string, toSee: string): FailedChoice {
  const reason = `Site ${site} knows no guest ${id}, or the account may not see it (${toSee}). Check the id.`
  return { guest: { id }, error: GuestNotFound.errorName, reason }
}

/** Passing it over would let a run succeed without a guest that was meant. */
function undecided(site: string, { guest, reason }: Decision<GuestRecord>): FailedChoice {
  const { id, kind, name, node } = guest
  return {
    guest: { id, kind, name, node },
    error: NodeOffline.errorName,
    reason: `Site ${site}, node ${node}, guest ${id}: it is not known whether the job means this guest. ${reason} Bring the node back, or name or exclude the guest by its id.`,
  }
}

/** The platform itself notices only inside the task. */
function forbidden(site: string, { id, kind, name, node, missingPrivileges }: GuestRecord): FailedChoice {
  const lacks = missingPrivileges.map(({ privilege, path }) => `${privilege} on ${path}`).join(', ')
  return {
    guest: { id, kind, name, node },
    error: PrivilegeMissing.errorName,
    reason: `Site ${site}, guest ${id}: the account lacks ${lacks}. Grant it, or exclude the guest.`,
  }
}

/** Keys whose values are guests one by one. */
function namesGuests(key: ListKey): boolean {
  return key === 'vmids' || key === 'ids'
}

/** A plain list of ids has nothing to explain: each of its guests has its own outcome. */
function summaryOf(selection: GuestSelection, { decisions, missing }: Selected<GuestRecord>): string[] {
  const keys = narrowingKeys(selection)
  if (keys.every(namesGuests) && keys.length > 0 && selection.exclude === undefined) return []
  const count = (wanted: string) => decisions.filter(({ verdict }) => verdict === wanted).length
  const doubtful = count('undecided')
  const parts = [
    `${count('chosen')} of ${decisions.length} guests chosen`,
    `${count('left-out')} left out`,
    ...(doubtful > 0 ? [`${doubtful} undecided`] : []),
    ...(missing.length > 0 ? [`${missing.length} listed and unknown`] : []),
  ]
  return [
    `Selected: ${describeSelection(selection)}. ${parts.join(', ')}; selection.json beside this report says why each.`,
  ]
}

function doubtsAbout(
  selection: GuestSelection,
  { unmatched }: Selected<GuestRecord>,
  { mayLack }: GuestList,
): string[] {
  const keys = narrowingKeys(selection)
  // Ids that aren't found are told one by one, and the members of a pool are seen with rights on the pool.
  const needsNoOverview = (keys.some(namesGuests) && !keys.includes('ranges')) || keys.includes('pools')
  return [...unmatched, ...(needsNoOverview || mayLack === undefined ? [] : [mayLack])]
}
