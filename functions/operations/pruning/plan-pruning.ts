import { InvalidJob } from '../../contracts/errors.ts'
import { type PruningPlan, pruningRequestSchema } from '../../contracts/pruning.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { planKey, pruningPrefix } from '../../domain/books/object-keys.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'
import { pruningPlanShape } from '../books/shapes.ts'
import { writeRecord } from '../books/stored-json.ts'
import { lookAtSite, type SiteLook } from '../selection/look-at-site.ts'
import type { Ports } from '../ports.ts'
import { acceptCluster } from '../books/site-book.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'provider'>

/**
 * Write down what is to be pruned by which rules, which guests the site has at this moment, and which it lacks since when.
 * Nothing is pruned while the site doesn't answer: a guest that can't be asked for isn't one that is gone.
 * @throws InvalidJob for a malformed request; ClusterChanged when another cluster answers; UnknownSite, InvalidSite and
 * the provider's errors
 */
export async function planPruning(input: TaskInput<'PlanPruning'>, ports: Needs): Promise<TaskOutput<'PlanPruning'>> {
  const { success, data: request, error } = pruningRequestSchema.safeParse(input.request)
  if (!success) throw new InvalidJob(`The order to prune is malformed: ${validationMessage(error)}.`)
  const { site, confirmedGone, dryRun } = request
  const provider = await ports.provider(site)
  if (request.acceptCluster !== undefined) await acceptCluster(site, request.acceptCluster, ports)
  const look = await lookAtSite({ site, provider, confirmedGone, record: true, settle: !dryRun }, ports)
  const plan: PruningPlan = { version: 1, ...request, known: knownGuests(look) }
  const key = planKey(pruningPrefix(ports.keyPrefix, input.pruningId, input.startedAt))
  await writeRecord(ports.store, key, pruningPlanShape, plan)
  return { planKey: key }
}

/** What a pruning goes by: no more of a guest than tells who it is. */
export function knownGuests({ guests, mayLack, absent, doubt }: SiteLook): PruningPlan['known'] {
  return {
    guests: guests.map(({ kind, id, identity }) => ({ kind, id, ...(identity === undefined ? {} : { identity }) })),
    absent: absent.map(({ kind, id, since, lists, gone }) => ({ kind, id, since, lists, gone })),
    ...(mayLack === undefined ? {} : { mayLack }),
    ...(doubt === undefined ? {} : { doubt }),
  }
}
