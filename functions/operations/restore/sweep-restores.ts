import { GuestliftError } from '../../contracts/errors.ts'
import type { RestoreLease } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { giveBackLease, keepLease, leasedIds, readLease } from '../books/restore-leases.ts'
import { findRestore } from '../books/restore-records.ts'
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
  for (const id of await leasedIds(site, ports)) {
    try {
      const lease = await readLease(site, id, ports)
      if (lease === undefined || Date.parse(lease.until) > ports.now().getTime()) continue
      const which = `Site ${site}: restore ${lease.restoreId} to guest ${id}`
      if (dryRun) {
        notes.push(`${which} ended without a word, and would be cleaned up after.`)
        continue
      }
      const { summary, left } = await finishDead(site, id, lease, ports)
      if (left) failed += 1
      notes.push(`${which} was cleaned up after. ${summary}`)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      failed += 1
      notes.push(`Site ${site}: the restore to guest ${id} could not be cleaned up after: ${error.message}`)
    }
  }
  return { notes, failed }
}

async function finishDead(
  site: string,
  id: string,
  { restoreId, startedAt }: RestoreLease,
  ports: Needs,
): Promise<{ summary: string; left: boolean }> {
  const restore = { id: restoreId, startedAt }
  // Of this sweep alone: a function of the dead restore that still runs finds that it lost the id.
  const execution = `sweep-${ports.randomToken()}`
  const taken = { request: { site }, target: { id } }
  // Also of a restore that had put nothing anywhere yet: its lease would stay for ever.
  await keepLease({ restore, execution }, taken, ports)
  if ((await findRestore(restore, ports)) === undefined) {
    await giveBackLease({ restore, execution }, taken, ports)
    const summary = `Its record is gone, so nothing tells what it left. Look at guest ${id}, and for files of restores on the nodes' storages.`
    return { summary, left: true }
  }
  const { summary, left } = await finishRestore({ restore, execution, error: EXECUTION_ENDED }, ports)
  return { summary, left: left > 0 }
}
