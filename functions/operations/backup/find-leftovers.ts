import { MAX_LEFTOVERS, type TaskInput, type TaskOutput } from '../../contracts/tasks.ts'
import { type PlanItem, planItemSchema } from '../../contracts/plan-item.ts'
import { planKey, runPrefix } from '../../domain/books/object-keys.ts'
import { runPlanShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable } from '../books/stored-json.ts'
import { claimOn } from '../books/claims.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now'>

/** Claims that are read at the same time. */
const READ_AHEAD = 32

/**
 * Guests that are still claimed for the run of a stopped execution. A claim that lapsed counts as well: its job may run
 * on. One that another run took over is that run's, and one that was given back has nothing left.
 */
export async function findLeftovers(
  { runId, startedAt, request }: TaskInput<'FindLeftovers'>,
  ports: Needs,
): Promise<TaskOutput<'FindLeftovers'>> {
  const alone = planItemSchema.safeParse(request)
  const key = planKey(runPrefix(ports.keyPrefix, runId, startedAt))
  const plan = alone.success ? [alone.data] : await readPlan(key, ports)
  const found: TaskOutput<'FindLeftovers'>['leftovers'] = []
  // One claim that nobody can read keeps no other guest from being cleaned up.
  let unread = 0
  for (let start = 0; start < plan.length; start += READ_AHEAD) {
    const items = plan.slice(start, start + READ_AHEAD)
    const claims = await Promise.all(items.map((item) => unlessUnreadable(claimOn(item, ports))))
    for (const [index, item] of items.entries()) {
      const claim = claims[index]
      if (claim === 'unreadable') {
        unread += 1
        continue
      }
      if (claim === undefined || claim.released || claim.runId !== item.run.id) continue
      found.push({ item, execution: claim.execution })
    }
  }
  const [first] = plan
  return {
    ...(alone.success || first === undefined ? {} : { planned: { run: first.run, site: first.site, planKey: key } }),
    leftovers: found.slice(0, MAX_LEFTOVERS),
    further: Math.max(0, found.length - MAX_LEFTOVERS) + unread,
  }
}

/** A run that was stopped before it had a plan has claimed nothing. */
async function readPlan(key: string, { store }: Needs): Promise<PlanItem[]> {
  return (await readRecord(store, key, runPlanShape)) ?? []
}
