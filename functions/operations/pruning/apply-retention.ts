import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { pruneGuest } from './prune-guest.ts'
import type { RetentionPorts } from './retention-ports.ts'

/**
 * Apply the job's retention to the guest that was just archived. Nobody is there to confirm anything, so what needs a
 * confirmation is remarked and stays.
 */
export async function applyRetention(
  { item }: TaskInput<'ApplyRetention'>,
  ports: RetentionPorts,
): Promise<TaskOutput<'ApplyRetention'>> {
  const { site, guest, retention: policy } = item
  if (policy === undefined) return { removed: 0, locked: 0, summary: 'No retention.', remark: '' }
  const { identity } = guest
  const order = {
    site,
    guest,
    policy,
    by: `run ${item.run.id}`,
    gone: false,
    confirmed: false,
    dryRun: false,
    identity,
  }
  const { archives, warnings, removed, locked, summary } = await pruneGuest(order, ports)
  const left = archives.flatMap(({ trouble, createdAt }) =>
    trouble === undefined ? [] : [`The archive of ${createdAt} was not removed: ${trouble}`],
  )
  return { removed, locked, summary, remark: [...warnings, ...left].join(' ') }
}
