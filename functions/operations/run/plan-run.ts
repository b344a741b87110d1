import type { GuestliftError } from '../../contracts/errors.ts'
import type { Job } from '../../contracts/job.ts'
import type { GuestIdentity } from '../../contracts/nouns.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { byTurnsOfNodes } from '../../domain/selection/node-order.ts'
import { strongerLock } from '../../domain/transfer/object-lock.ts'
import { planKey, selectionKey } from '../../domain/books/object-keys.ts'
import type { FoundGuest } from '../../providers/guest-facts.ts'
import type { Provider } from '../../providers/provider.ts'
import { runPlanShape, selectionShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import { chooseGuests } from '../selection/choose-guests.ts'
import { hasBudgetToKeep, keepBudget } from './keep-budget.ts'
import { longestWaitingFirst } from './longest-waiting.ts'
import { recordList } from '../selection/look-at-site.ts'
import { emptyOutcome, recordOutcomes } from '../books/outcomes.ts'
import type { Ports } from '../ports.ts'
import { testRoutes } from './test-routes.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 'now' | 'sleep' | 'timer' | 'provider' | 'route' | 'log' | 'requiredLock'
>

/**
 * Choose the guests, write who was left out and why, and the plan, longest waiting first. A guest that can't possibly be
 * archived gets its outcome here and no plan item: one that nobody knows or that the account may not back up, or one on a
 * node that the route doesn't reach. When the latter is so for all nodes, the run fails at once.
 * @throws RouteUnreachable and the route's own refusals
 * @throws ClusterChanged when another cluster answers than the one that the site's archives come from
 */
export async function planRun(input: TaskInput<'PlanRun'>, ports: Needs): Promise<TaskOutput<'PlanRun'>> {
  const { run, site, platform, platformVersion, job } = input
  const provider = await ports.provider(site)
  const choice = await chooseGuests(site, job.guests, provider, hasBudgetToKeep(job) ? 'everything' : undefined)
  await keepBudget(job, choice, provider)
  // Archives of another cluster's guests would lie among those of this one, under the same ids.
  await recordList({ site, provider, list: choice.list }, ports)
  await writeRecord(ports.store, selectionKey(run.prefix), selectionShape, choice.record)
  const refusals = await refusedNodes(job, choice.chosen, provider, ports)
  const identities = await identitiesOf(choice.chosen, provider)
  const objectLock = strongerLock(job.objectLock, ports.requiredLock)

  const failed = choice.failed.map(({ guest, error, reason }) => emptyOutcome(guest, 'failed', error, reason, 0))
  const items: PlanItem[] = []
  for (const { id, kind, name, node } of choice.chosen) {
    const identity = identities.get(id)
    const guest = { id, kind, name, node, ...(identity === undefined ? {} : { identity }) }
    const refusal = refusals.get(node)
    if (refusal !== undefined) {
      failed.push(emptyOutcome(guest, 'failed', refusal.name, refusal.message, 0))
      continue
    }
    items.push({
      run,
      site,
      platform,
      platformVersion,
      guest,
      backup: job.backup,
      ...(job.require === undefined ? {} : { require: job.require }),
      ...(objectLock === undefined ? {} : { objectLock }),
      ...(job.pin === undefined ? {} : { pin: job.pin }),
      deleteSource: job.deleteSource,
      staging: job.staging,
      limits: job.limits,
      ...(job.storageClass === undefined ? {} : { storageClass: job.storageClass }),
      ...(job.retention === undefined ? {} : { retention: job.retention }),
    })
  }
  await recordOutcomes(run, failed, ports)
  const key = planKey(run.prefix)
  const ordered = await longestWaitingFirst(site, items, ports)
  await writeRecord(ports.store, key, runPlanShape, byTurnsOfNodes(ordered))
  return { planKey: key, guestCount: items.length }
}

/** Read for those that were chosen alone: it takes a look at each one's configuration. */
async function identitiesOf(
  guests: readonly FoundGuest[],
  provider: Pick<Provider, 'findGuests'>,
): Promise<ReadonlyMap<string, GuestIdentity | undefined>> {
  if (guests.length === 0) return new Map()
  const found = await provider.findGuests(guests.map(({ id }) => id))
  // One that became a guest of the other kind since it was chosen isn't the one that was meant.
  const chosen = new Map(guests.map(({ id, kind }) => [id, kind]))
  return new Map(found.filter(({ id, kind }) => chosen.get(id) === kind).map(({ id, identity }) => [id, identity]))
}

/** Nodes whose archives could not be fetched. @throws the first refusal when no node is left */
async function refusedNodes(
  { site, backup }: Job,
  guests: readonly FoundGuest[],
  provider: Provider,
  ports: Needs,
): Promise<Map<string, GuestliftError>> {
  if (!provider.traits.route) return new Map()
  const nodes = new Set(guests.filter((guest) => !guest.nodeOffline).map((guest) => guest.node))
  const test = { site, nodes: [...nodes], storage: backup.storage }
  const refusals = await testRoutes(test, await ports.route(site), provider, ports)
  const [first] = refusals.values()
  if (first !== undefined && refusals.size === nodes.size) throw first
  return refusals
}
