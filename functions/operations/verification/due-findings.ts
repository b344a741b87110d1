import type { UnreadArchive, UnreadRecord } from '../../contracts/verification-report.ts'
import type { DueArchive } from '../../domain/verification/due-verifications.ts'
import { moreUrgentFirst } from '../../domain/verification/verification-room.ts'

/** A run reads no more archives; those left are the least urgent. Keeps memory bounded, whatever the bucket holds. */
const MOST_PLANNED = 5_000
/** Of those overdue and of the others that the record lists; the rest are counted. */
const MOST_TOLD = 1_000

/** What was found so far, in bounded memory: the most urgent archives, and a list of those left out with its tally. */
export class DueFindings {
  readonly sites = new Set<string>()
  private due: DueArchive[] = []
  private readonly unread: Record<'overdue' | 'other', UnreadArchive[]> = { overdue: [], other: [] }
  private further = 0
  private furtherOverdue = 0

  take(archive: DueArchive): void {
    this.due.push(archive)
    if (this.due.length >= 2 * MOST_PLANNED) this.cut()
  }

  leave(archive: UnreadArchive): void {
    const list = this.unread[archive.overdue ? 'overdue' : 'other']
    if (list.length < MOST_TOLD) list.push(archive)
    else this.count(archive.overdue)
  }

  mostUrgent(): DueArchive[] {
    this.cut()
    return this.due
  }

  record(): Pick<UnreadRecord, 'unread' | 'further' | 'furtherOverdue'> {
    const { further, furtherOverdue } = this
    return { unread: [...this.unread.overdue, ...this.unread.other], further, furtherOverdue }
  }

  private cut(): void {
    this.due.sort(moreUrgentFirst)
    for (const { overdue } of this.due.splice(MOST_PLANNED)) this.count(overdue)
  }

  private count(overdue: boolean): void {
    this.further += 1
    if (overdue) this.furtherOverdue += 1
  }
}
