/** How much of what is due one run reads: the most urgent, as far as the bill allows. */
import type { UnreadArchive } from '../../contracts/verification-report.ts'
import { timeOf } from '../time/archive-time.ts'
import { formatBytes } from '../words/byte-size.ts'
import type { DueArchive } from './due-verifications.ts'

const GIB = 2 ** 30

/** Overdue ones first, then those of guests that were never verified, then the oldest. */
export function moreUrgentFirst(one: DueArchive, other: DueArchive): number {
  const rank = ({ overdue, firstOfGuest }: DueArchive) => (overdue ? 0 : firstOfGuest ? 1 : 2)
  if (rank(one) !== rank(other)) return rank(one) - rank(other)
  if (timeOf(one) !== timeOf(other)) return timeOf(one) - timeOf(other)
  return one.folder < other.folder ? -1 : 1
}

/**
 * What of it one run reads: in the order of urgency whatever still fits. A large one that doesn't fit any more stops
 * none behind it; the next run comes to it first.
 */
export function withinRun(
  due: readonly DueArchive[],
  mostGiB: number,
): { planned: DueArchive[]; unread: UnreadArchive[] } {
  const mostBytes = mostGiB * GIB
  const planned: DueArchive[] = []
  const unread: UnreadArchive[] = []
  let bytes = 0
  for (const archive of due.toSorted(moreUrgentFirst)) {
    if (bytes + archive.sizeBytes <= mostBytes) {
      bytes += archive.sizeBytes
      planned.push(archive)
      continue
    }
    const { folder, site, sizeBytes, overdue } = archive
    const most = formatBytes(mostBytes)
    const reason =
      sizeBytes > mostBytes
        ? `not verified: it has ${formatBytes(sizeBytes)}, and a run reads no more than ${most}. Raise mostGiBPerRun, or ask for this archive by name.`
        : `not verified: this run reads ${formatBytes(bytes)} of more urgent archives, and no more than ${most}. The next run goes on.`
    unread.push({ folder, site, why: 'no-room', reason, overdue })
  }
  return { planned, unread }
}
