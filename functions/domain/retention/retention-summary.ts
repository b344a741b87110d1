import type { ArchiveDecision, GuestRetention, RetentionEffect } from '../../contracts/retention-report.ts'
import { formatBytes } from '../words/byte-size.ts'
import { formatDollars } from '../prices/prices.ts'

type Totals = Pick<GuestRetention, 'toRemove' | 'removed' | 'locked' | 'removedBytes' | 'summary'>

/** It went, or would go if this weren't a dry run. */
export function isGoing({ decision, outcome }: ArchiveDecision, dryRun: boolean): boolean {
  return decision === 'remove' && (outcome === 'removed' || (dryRun && outcome === undefined))
}

/** What retention came to for one guest: figures and a sentence. Pure. */
export function retentionSummary({
  archives,
  dryRun,
  resumed,
  effect,
  locksNotAsked = 0,
}: Pick<GuestRetention, 'archives' | 'dryRun' | 'resumed' | 'locksNotAsked'> & { effect?: RetentionEffect }): Totals {
  const to = archives.filter(({ decision }) => decision === 'remove')
  const locked = to.filter(({ outcome }) => outcome === 'locked').length
  const left = to.filter(({ outcome }) => outcome === 'left').length
  const going = to.filter((archive) => isGoing(archive, dryRun))
  const bytes = going.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const early = going.reduce((sum, archive) => sum + (archive.early?.dollars ?? 0), 0)
  const parts = [
    `${going.length} of ${archives.length} archives ${dryRun ? 'would be ' : ''}removed (${formatBytes(bytes)})`,
    ...(locked > 0 ? [`${locked} locked${latestLock(to)}`] : []),
    ...(locksNotAsked > 0 ? [`${locksNotAsked} not asked for locks`] : []),
    ...(left > 0 ? [`${left} left for another time`] : []),
    ...(resumed.length > 0 ? [`${resumed.length} begun earlier ${dryRun ? 'to be ended' : 'ended'}`] : []),
    ...(early > 0 ? [`${formatDollars(early)} billed for minimum durations, whether it goes now or waits`] : []),
    ...(effect === undefined || effect.savedPerMonth === 0
      ? []
      : [`${dryRun ? 'would save' : 'saves'} ${formatDollars(effect.savedPerMonth)} a month`]),
  ]
  return {
    toRemove: to.length,
    removed: dryRun ? 0 : going.length,
    locked,
    removedBytes: dryRun ? 0 : bytes,
    summary: `${parts.join('; ')}.`,
  }
}

function latestLock(archives: readonly ArchiveDecision[]): string {
  const until = archives
    .flatMap(({ lock }) => lock?.retainUntil ?? [])
    .sort()
    .at(-1)
  return until === undefined ? '' : `, the last until ${until.slice(0, 10)}`
}
