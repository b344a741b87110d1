import { InvalidJob } from '../contracts/errors.ts'
import { type PruningPlan, pruningRequestSchema } from '../contracts/pruning.ts'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { planKey, pruningPrefix } from '../domain/object-keys.ts'
import { validationMessage } from '../domain/validation-message.ts'
import { pruningPlanShape } from './books/shapes.ts'
import { writeRecord } from './books/stored-json.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider'>

/**
 * Write down what is to be pruned by which rules, and which guests the site has at this moment. Nothing is pruned while
 * the site doesn't answer: a guest that can't be asked for isn't one that is gone.
 * @throws InvalidJob for a malformed request; UnknownSite, InvalidSite and the provider's errors
 */
export async function planPruning(input: TaskInput<'PlanPruning'>, ports: Needs): Promise<TaskOutput<'PlanPruning'>> {
  const { success, data: request, error } = pruningRequestSchema.safeParse(input.request)
  if (!success) throw new InvalidJob(`The order to prune is malformed: ${validationMessage(error)}.`)
  const provider = await ports.provider(request.site)
  const { guests, mayLack } = await provider.listGuests()
  const plan: PruningPlan = {
    version: 1,
    ...request,
    known: {
      guests: guests.map(({ kind, id }) => ({ kind, id })),
      ...(mayLack === undefined ? {} : { mayLack }),
    },
  }
  const key = planKey(pruningPrefix(ports.keyPrefix, input.pruningId, input.startedAt))
  await writeRecord(ports.store, key, pruningPlanShape, plan)
  return { planKey: key }
}
