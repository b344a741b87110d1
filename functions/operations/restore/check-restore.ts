import { InternalFault, RestoreFailed } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { nextWaitSeconds } from '../../domain/backup/poll-wait.ts'
import { sentence } from '../../domain/words/sentence.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { checkDisks } from './make-of-disks.ts'
import { openRestorer } from './intended-restore.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'localProcess' | 'log'>

/** Looks at a restore cost events of one history, which holds so many. */
const LONGEST_RESTORE_DAYS = 4

/**
 * Has the platform made the guest?
 * @throws RestoreFailed when its task ended otherwise than well, or after days not at all; the provider's errors
 */
export async function checkRestore(
  input: TaskInput<'CheckRestore'>,
  ports: Needs,
): Promise<TaskOutput<'CheckRestore'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  if (record.newDisks !== undefined) return checkDisks(restore, record, ports)
  const { request, target, jobRef, askedAt } = record
  if (jobRef === undefined) throw new InternalFault(`Restore ${restore.id} has no job to look at.`)
  const { restores } = await openRestorer(record, ports)
  const { ending, exitStatus, warnings, advice } = await restores.ending(jobRef)
  const where = `Site ${request.site}, node ${target.node}, guest ${target.id}`
  if (ending === 'running') {
    const elapsedSeconds = (ports.now().getTime() - Date.parse(askedAt ?? record.startedAt)) / 1000
    if (elapsedSeconds < LONGEST_RESTORE_DAYS * 86_400) {
      return { done: false, waitSeconds: nextWaitSeconds({ elapsedSeconds }) }
    }
    throw new RestoreFailed(
      `${where}: the restore (${jobRef}) still runs after ${LONGEST_RESTORE_DAYS} days. It is stopped.`,
    )
  }
  if (ending !== 'ok' && ending !== 'warnings') {
    const words = [
      sentence(`${where}: the platform's restore ended with: ${exitStatus}`),
      ...(advice === undefined ? [] : [advice]),
    ]
    throw new RestoreFailed(words.join(' '))
  }
  const createdAt = ports.now().toISOString()
  await changeRestore(
    restore,
    (held) =>
      held.steps.createdAt === undefined
        ? { ...held, warnings: [...held.warnings, ...warnings], steps: { ...held.steps, createdAt } }
        : held,
    ports,
  )
  return { done: true }
}
