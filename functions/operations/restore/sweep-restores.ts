import { GuestliftError } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { keepLease, leasesOf } from '../books/restore-leases.ts'
import type { Ports } from '../ports.ts'
import { finishRestore } from './finish-restore.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 's3Url' | 'provider' | 'delivery' | 'now' | 'sleep' | 'localProcess' | 'randomToken' | 'log'
>

/** What a restore failed with whose execution ended without a word. */
export const EXECUTION_ENDED = {
  Error: 'ExecutionEnded',
  Cause: 'Its execution ended while it was at work, and nobody went on with it.',
}

/** Finish restores to a site whose lease has lapsed: nobody works on them. With none, the site isn't asked anything. */
export async function sweepRestores(
  { site, dryRun }: TaskInput<'SweepRestores'>,
  ports: Needs,
): Promise<TaskOutput<'SweepRestores'>> {
  const notes: string[] = []
  let failed = 0
  for (const { id, lease } of await leasesOf(site, ports)) {
    if (Date.parse(lease.until) > ports.now().getTime()) continue
    const { restoreId, startedAt } = lease
    const which = `Site ${site}: restore ${restoreId} to guest ${id}`
    if (dryRun) {
      notes.push(`${which} ended without a word, and would be cleaned up after.`)
      continue
    }
    try {
      const restore = { id: restoreId, startedAt }
      // Of this sweep alone: a function of the dead restore that still runs finds that it lost the id.
      const execution = `sweep-${ports.randomToken()}`
      // Also of a restore that had put nothing anywhere yet: its lease would stay for ever.
      await keepLease({ restore, execution }, { request: { site }, target: { id } }, ports)
      const { summary, left } = await finishRestore({ restore, execution, error: EXECUTION_ENDED }, ports)
      if (left > 0) failed += 1
      notes.push(`${which} was cleaned up after. ${summary}`)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      failed += 1
      notes.push(`${which} could not be cleaned up after: ${error.message}`)
    }
  }
  return { notes, failed }
}
