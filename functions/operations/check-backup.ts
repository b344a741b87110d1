import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { nextWaitSeconds } from '../domain/poll-wait.ts'
import { renewClaim } from './claims.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now'>

/** Look at the job once, and renew the claim while it runs. */
export async function checkBackup(input: TaskInput<'CheckBackup'>, ports: Needs): Promise<TaskOutput<'CheckBackup'>> {
  const { item, jobRef, startedAt } = input
  const provider = await ports.provider(item.site)
  const { running, progressPercent } = await provider.checkBackup(jobRef)
  const progress = progressPercent === undefined ? {} : { progressPercent }
  if (!running) return { done: true, waitSeconds: 0, ...progress }
  await renewClaim(input, ports)
  const elapsedSeconds = Math.max(0, (ports.now().getTime() - Date.parse(startedAt)) / 1000)
  return { done: false, waitSeconds: nextWaitSeconds({ elapsedSeconds, ...progress }), ...progress }
}
