/** When an archive was made, by a clock that can be trusted. The platform's own clock orders nothing. */

/** What a manifest tells of its archive's time. */
export interface ArchiveTimes {
  /** By the platform's clock. */
  createdAt: string
  /** When the manifest was written, by ours. */
  writtenAt: string
  /** The platform's clock less ours when the backup started; absent where nobody measured it. */
  clockOffsetSeconds?: number | undefined
}

/**
 * Longest that a backup may take from its start to its manifest: five days of dump, a week of queue, and the copying of
 * the largest object over the slowest line that is supported. A creation time further back isn't one.
 */
export const LONGEST_BACKUP_DAYS = 60

/**
 * The time by which an archive is ordered, aged and kept. The platform's time without its measured offset; never later
 * than the manifest, never further back than a backup can take: what lies outside is replaced by the manifest's time.
 */
export function archiveTime({ createdAt, writtenAt, clockOffsetSeconds = 0 }: ArchiveTimes): string {
  const written = Date.parse(writtenAt)
  const corrected = Date.parse(createdAt) - clockOffsetSeconds * 1000
  const possible = corrected <= written && corrected >= written - LONGEST_BACKUP_DAYS * 86_400_000
  return new Date(possible ? corrected : written).toISOString()
}
