import { BackupFailed } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { LONGEST_DUMP_DAYS, nextWaitSeconds } from '../../domain/backup/poll-wait.ts'
import type { Seen } from '../../domain/backup/progress.ts'
import type { BackupProgress, Provider } from '../../providers/provider.ts'
import { renewClaim } from '../books/claims.ts'
import { endDump, keepTurn, ownTurn } from './dump-turns.ts'
import { writtenSoFar } from './archive-space.ts'
import { noteProgress } from '../books/guest-progress.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'log' | 'sleep'>

/**
 * Look at the job once. While it runs, renew the claim and the node's turn, and tell how far it is; when it has ended,
 * the node is the next guest's.
 */
export async function checkBackup(input: TaskInput<'CheckBackup'>, ports: Needs): Promise<TaskOutput<'CheckBackup'>> {
  const { item, jobRef, startedAt } = input
  const provider = await ports.provider(item.site)
  const looked = await provider.check(jobRef)
  const { running, progressPercent } = looked
  const percent = progressPercent === undefined ? {} : { progressPercent }
  if (!running) {
    if (provider.traits.turns !== undefined) await endDump(input, ports)
    return { done: true, waitSeconds: 0, ...percent }
  }
  await renewClaim(input, ports)
  const elapsedSeconds = Math.max(0, (ports.now().getTime() - Date.parse(startedAt)) / 1000)
  if (elapsedSeconds > LONGEST_DUMP_DAYS * 86_400) {
    throw new BackupFailed(
      `Site ${item.site}, node ${item.guest.node}: the backup of guest ${item.guest.id} has run for more than ${LONGEST_DUMP_DAYS} days ` +
        'and is stopped. Look at its task and at the storage it writes to.',
    )
  }
  const seen = await whatIsSeen(input, looked, provider, ports)
  const progress = await noteProgress(item, { stage: 'dumping', startedAt }, seen, ports)
  const { secondsLeft } = progress
  const expectedEndAt =
    secondsLeft === undefined ? undefined : new Date(ports.now().getTime() + secondsLeft * 1000).toISOString()
  if (provider.traits.turns !== undefined) await keepTurn(input, { jobRef, expectedEndAt }, ports)
  return { done: false, waitSeconds: nextWaitSeconds({ elapsedSeconds, ...percent }), ...percent, progress }
}

/** Where the platform says nothing (containers), how much fuller the storage has become since the dump began. */
async function whatIsSeen(
  input: TaskInput<'CheckBackup'>,
  { progressPercent, doneBytes, totalBytes }: BackupProgress,
  provider: Provider,
  ports: Needs,
): Promise<Seen> {
  if (progressPercent !== undefined) return { percent: progressPercent, doneBytes, totalBytes }
  const turn = provider.traits.turns === undefined ? undefined : await ownTurn(input, ports)
  return turn === undefined ? {} : writtenSoFar(turn, input.storage ?? input.item.backup.storage, provider)
}
