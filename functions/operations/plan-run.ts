import { GuestliftError, GuestNotFound } from '../contracts/errors.ts'
import type { PlanItem, TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { planKey } from '../domain/object-keys.ts'
import type { FoundGuest } from '../providers/provider.ts'
import { emptyOutcome, recordOutcome } from './outcomes.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'provider' | 'route' | 'log'>

/**
 * Find the guests and write the plan. A guest that can't possibly be archived gets its outcome here and no plan item:
 * one that nobody knows, or one on a node whose route refuses us. When that is so for all nodes, the run fails at once.
 */
export async function planRun(input: TaskInput<'PlanRun'>, ports: Needs): Promise<TaskOutput<'PlanRun'>> {
  const { run, site, platform, platformVersion, job } = input
  const provider = await ports.provider(site)
  const ids = job.guests.vmids.map(String)
  const guests = await provider.findGuests(ids)
  const refusals = await refusedNodes(site, guests, ports)

  for (const id of ids.filter((wanted) => !guests.some((guest) => guest.id === wanted))) {
    const reason = `Site ${site} knows no guest ${id}, or the account may not see it (VM.Audit on /vms/${id}). Check the id.`
    await recordOutcome(run, emptyOutcome({ id }, 'failed', GuestNotFound.errorName, reason, 0), ports)
  }
  const items: PlanItem[] = []
  for (const { id, kind, name, node } of guests) {
    const guest = { id, kind, name, node }
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
      deleteSource: job.deleteSource,
      limits: job.limits,
    })
  }
  const key = planKey(run.prefix)
  await ports.store.writeText(key, JSON.stringify(items), { contentType: 'application/json' })
  return { planKey: key, guestCount: items.length }
}

/**
 * Nodes whose route refuses us for good (host key, login), known before hours of dumping. Passing faults don't count:
 * the transfer has its own patience. @throws the refusal when no node is left
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
      if (error.group === 'fail-run') refusals.set(node, error)
    }
  }
  const [first] = refusals.values()
  if (first !== undefined && refusals.size === nodes.size) throw first
  return refusals
}
