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
const LONGEST_BACKUP_MILLISECONDS = LONGEST_BACKUP_DAYS * 86_400_000

/**
 * The time by which an archive is ordered, aged and kept. The platform's time without its measured offset; never later
 * than the manifest, never further back than a backup can take: what lies outside is replaced by the manifest's time.
 */
export function archiveTime({ createdAt, writtenAt, clockOffsetSeconds = 0 }: ArchiveTimes): string {
  const written = Date.parse(writtenAt)
  const corrected = Date.parse(createdAt) - clockOffsetSeconds * 1000
  const possible = corrected <= written && corrected >= written - LONGEST_BACKUP_MILLISECONDS
  return new Date(possible ? corrected : written).toISOString()
}

/** An archive as it is dated: by the platform, and, where a manifest tells, by the time that can be trusted. */
export interface Dated {
  /** By the platform's clock; part of the archive's key. */
  createdAt: string
  /** The trusted time (`archiveTime`). Absent: `createdAt` is all that is known. */
  at?: string | undefined
}

/** The time that orders an archive among others, in milliseconds. */
export function timeOf({ createdAt, at }: Dated): number {
  return Date.parse(at ?? createdAt)
}

/** To sort by trusted time. Those of one time stay as they lie. */
export function olderFirst(one: Dated, other: Dated): number {
  return timeOf(one) - timeOf(other)
}

const SHOWN_FROM_MILLISECONDS = 60_000

/** The trusted time, where it differs from the platform's by so much that a person has to see both. */
export function otherTime(dated: Dated): string | undefined {
  return Math.abs(timeOf(dated) - Date.parse(dated.createdAt)) > SHOWN_FROM_MILLISECONDS ? dated.at : undefined
}
