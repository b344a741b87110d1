import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import { type GuestClaim, isOfGuest, sameOptions } from '../../domain/backup/guest-claim.ts'
import { archiveFolder, manifestKey } from '../../domain/books/object-keys.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { judge } from '../../domain/backup/verdict.ts'
import type { Provider } from '../../providers/provider.ts'
import { isThere } from '../books/is-there.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'log'>

/**
 * Whether there is something to go on with: a job that was kept still runs, or its archive is there, as its own log and
 * the storage show, and isn't committed yet. A job that nobody let go of is its execution's to judge.
 */
export async function canGoOnWith(
  claim: GuestClaim,
  { site, guest, backup }: PlanItem,
  provider: Provider,
  { store, keyPrefix, log }: Needs,
): Promise<boolean> {
  const { jobRef, keptSince, storage = backup.storage } = claim
  if (jobRef === undefined || keptSince === undefined) return true
  const otherwise = notWanted(claim, guest, backup)
  if (otherwise !== undefined) {
    log('kept-backup-forgotten', { site, guest: guest.id, jobRef, keptSince, reason: otherwise })
    return false
  }
  if ((await provider.check(jobRef)).running) return true
  const { evidence } = await provider.gather(jobRef, guest, storage)
  const { good, reason } = judge(evidence, provider.judgeJob)
  const createdAt = sourcesOf(evidence)[0]?.artifact.createdAt ?? evidence.jobStartedAt
  const folder = archiveFolder(keyPrefix, site, guest, createdAt)
  const committed = await isThere(store, manifestKey(folder))
  const goesOn = good && !committed
  log(goesOn ? 'backup-gone-on-with' : 'kept-backup-forgotten', {
    site,
    guest: guest.id,
    jobRef,
    keptSince,
    reason,
    committed,
  })
  return goesOn
}

/** Another guest may have the id by now, and another job of the same guest may ask for something else. */
function notWanted(claim: GuestClaim, guest: Guest, backup: BackupOptions): string | undefined {
  if (!isOfGuest(claim, guest)) return 'it is of another guest that had this id'
  return claim.backup === undefined || sameOptions(claim.backup, backup) ? undefined : 'other options are asked for'
}
