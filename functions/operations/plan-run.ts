import { GuestliftError } from '../contracts/errors.ts'
import type { GuestIdentity } from '../contracts/nouns.ts'
import type { PlanItem, TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { byTurnsOfNodes } from '../domain/node-order.ts'
import { planKey, selectionKey } from '../domain/object-keys.ts'
import type { FoundGuest, Provider } from '../providers/provider.ts'
import { runPlanShape, selectionShape } from './books/shapes.ts'
import { writeRecord } from './books/stored-json.ts'
import { chooseGuests } from './choose-guests.ts'
import { keepBudget } from './keep-budget.ts'
import { recordList } from './look-at-site.ts'
import { emptyOutcome, recordOutcome } from './outcomes.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'provider' | 'route' | 'log'>

/**
 * Choose the guests, write who was left out and why, and the plan. A guest that can't possibly be archived gets its outcome
 * here and no plan item: one that nobody knows or that the account may not back up, or one on a node whose route refuses
 * us. When the latter is so for all nodes, the run fails at once.
 * @throws ClusterChanged when another cluster answers than the one that the site's archives come from
 */
export async function planRun(input: TaskInput<'PlanRun'>, ports: Needs): Promise<TaskOutput<'PlanRun'>> {
  const { run, site, platform, platformVersion, job } = input
  const provider = await ports.provider(site)
  await keepBudget(job, provider)
  const choice = await chooseGuests(site, job.guests, provider)
  // Archives of another cluster's guests would lie among those of this one, under the same ids.
  await recordList({ site, clusterId: await provider.clusterId(), list: choice.list }, ports)
  await writeRecord(ports.store, selectionKey(run.prefix), selectionShape, choice.record)
  const refusals = await refusedNodes(site, choice.chosen, ports)
  const identities = await identitiesOf(choice.chosen, provider)

  for (const { guest, error, reason } of choice.failed) {
    await recordOutcome(run, emptyOutcome(guest, 'failed', error, reason, 0), ports)
  }
  const items: PlanItem[] = []
  for (const { id, kind, name, node } of choice.chosen) {
    const identity = identities.get(id)
    const guest = { id, kind, name, node, ...(identity === undefined ? {} : { identity }) }
    const refusal = refusals.get(node)
    if (refusal !== undefined) {
      await recordOutcome(run, emptyOutcome(guest, 'failed', refusal.name, refusal.message, 0), ports)
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
      deleteSource: job.deleteSource,
      staging: job.staging,
      limits: job.limits,
      ...(job.retention === undefined ? {} : { retention: job.retention }),
    })
  }
  const key = planKey(run.prefix)
  await writeRecord(ports.store, key, runPlanShape, byTurnsOfNodes(items))
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

/** The resolver says that there is no such name. When it can't be asked it says something else (EAI_AGAIN). */
function namesNobody(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === 'ENOTFOUND') return true
  }
  return false
}

/**
 * Nodes whose route refuses us for good (host key, login) or leads nowhere (a name that doesn't exist), known before
 * hours of dumping. Passing faults don't count: the transfer has its own patience. @throws the refusal when no node is left
 */
async function refusedNodes(
  site: string,
  guests: readonly FoundGuest[],
  ports: Needs,
): Promise<Map<string, GuestliftError>> {
  const route = await ports.route(site)
  const nodes = new Set(guests.filter((guest) => !guest.nodeOffline).map((guest) => guest.node))
  const refusals = new Map<string, GuestliftError>()
  for (const node of nodes) {
    try {
      await route.check(node)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      ports.log('route-check-failed', { site, node, error: error.name, message: error.message })
      if (error.group === 'fail-run' || namesNobody(error)) refusals.set(node, error)
    }
  }
  const [first] = refusals.values()
  if (first !== undefined && refusals.size === nodes.size) throw first
  return refusals
}
