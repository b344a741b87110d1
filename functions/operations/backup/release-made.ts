import { GuestliftError } from '../../contracts/errors.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { MadeByBackup } from '../../providers/provider.ts'
import type { Ports } from '../ports.ts'

/** A removal that was begun is waited for so long; what is left then is a sweep's. */
const LONGEST_RELEASE_SECONDS = 6 * 3600
/** A platform that can't remove anything just now is asked again for so long: the guest's outcome waits for it. */
const LONGEST_TROUBLE_SECONDS = 30
const TROUBLE_WAIT_SECONDS = 10
/** Nine events of the history a wait: six hours of them stay far below its 25,000 (service quota). */
const SHORTEST_WAIT_SECONDS = 30

/** `failed` says why what was made stays on the platform. */
export type Released = { released: true } | { waitSeconds: number; reason: string } | { failed: string }

/**
 * Ask the platform to remove what a backup made there.
 * @param waitedSeconds by the workflow for this release until now; `undefined` where its definition can't wait
 */
export async function releaseMade(
  made: MadeByBackup,
  { site }: PlanItem,
  waitedSeconds: number | undefined,
  { provider, log }: Pick<Ports, 'provider' | 'log'>,
): Promise<Released> {
  try {
    const progress = await (await provider(site)).release(made, false)
    if (progress.released) return { released: true }
    const { reason } = progress
    if (waitedSeconds === undefined || waitedSeconds >= LONGEST_RELEASE_SECONDS) {
      return { failed: `${reason} It goes on without being waited for.` }
    }
    log('release-waits', { site, guest: made.guest.id, reason })
    return { waitSeconds: Math.min(300, Math.max(SHORTEST_WAIT_SECONDS, Math.ceil(progress.waitSeconds))), reason }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    log('release-failed', { site, guest: made.guest.id, error: error.name, message: error.message })
    const patient = waitedSeconds !== undefined && waitedSeconds < LONGEST_TROUBLE_SECONDS
    if (patient && error.group === 'retry') return { waitSeconds: TROUBLE_WAIT_SECONDS, reason: error.message }
    return { failed: error.message }
  }
}
