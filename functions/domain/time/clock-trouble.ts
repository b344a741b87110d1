/** What the times of archives say about the clocks that made them. Pure. */
import { type ArchiveTimes, LONGEST_BACKUP_DAYS } from './archive-time.ts'
import { CLOCK_TOLERANCE_SECONDS, durationInWords } from './clock-offset.ts'

/** What a backup may be made with does no harm here either. */
const TOLERANCE_MILLISECONDS = CLOCK_TOLERANCE_SECONDS * 1000
const LONGEST_MILLISECONDS = LONGEST_BACKUP_DAYS * 86_400_000

/** Whether an instant that a manifest tells has yet to come. */
export function isToCome(instant: string, now: Date): boolean {
  return Date.parse(instant) > now.getTime() + TOLERANCE_MILLISECONDS
}

/** Why an archive's date can't be: it lies after its manifest, or has yet to come. A sentence, or `undefined`. */
export function datedInFuture({ createdAt, writtenAt }: ArchiveTimes, now: Date): string | undefined {
  if (isToCome(writtenAt, now)) return writtenToCome(writtenAt)
  if (!isToCome(createdAt, now) && !isToCome(createdAt, new Date(writtenAt))) return undefined
  return `It is dated ${createdAt} and was archived at ${writtenAt}: the platform's clock is ahead. Correct it there.`
}

/**
 * Why the platform's clock can't be followed from one archive to the next: an offset that jumped, a date before the one
 * of an archive that was written earlier, or one that no backup can have. A sentence about the last such archive.
 * @param seenAt when a person looked and agreed: what was written until then is settled
 */
export function clockTrouble(
  archives: readonly ArchiveTimes[],
  now: Date | undefined,
  seenAt: string | undefined,
): string | undefined {
  const inOrder = archives.toSorted((one, other) => Date.parse(one.writtenAt) - Date.parse(other.writtenAt))
  const seen = seenAt === undefined ? Number.NEGATIVE_INFINITY : Date.parse(seenAt)
  let measured: ArchiveTimes | undefined
  let found: string | undefined
  for (const [index, archive] of inOrder.entries()) {
    const trouble =
      (now !== undefined && isToCome(archive.writtenAt, now) ? writtenToCome(archive.writtenAt) : undefined) ??
      impossible(archive) ??
      jumped(measured, archive) ??
      wentBack(inOrder[index - 1], archive)
    if (trouble !== undefined && Date.parse(archive.writtenAt) > seen) found = trouble
    if (archive.clockOffsetSeconds !== undefined) measured = archive
  }
  return found
}

function writtenToCome(writtenAt: string): string {
  return `A manifest is dated ${writtenAt}, which has yet to come: the clock of the machine that wrote it is wrong.`
}

function impossible({ createdAt, writtenAt, clockOffsetSeconds = 0 }: ArchiveTimes): string | undefined {
  const took = Date.parse(writtenAt) - (Date.parse(createdAt) - clockOffsetSeconds * 1000)
  if (took >= -TOLERANCE_MILLISECONDS && took <= LONGEST_MILLISECONDS) return undefined
  return `The archive dated ${createdAt} was written at ${writtenAt}, and no backup takes that time.`
}

function jumped(before: ArchiveTimes | undefined, { writtenAt, clockOffsetSeconds }: ArchiveTimes): string | undefined {
  if (before?.clockOffsetSeconds === undefined || clockOffsetSeconds === undefined) return undefined
  const seconds = clockOffsetSeconds - before.clockOffsetSeconds
  if (Math.abs(seconds) <= CLOCK_TOLERANCE_SECONDS) return undefined
  const by = durationInWords(Math.abs(seconds))
  return (
    `The platform's clock went ${seconds > 0 ? 'forward' : 'back'} by ${by} between the archives that were written ` +
    `at ${before.writtenAt} and ${writtenAt}.`
  )
}

function wentBack(before: ArchiveTimes | undefined, { createdAt, writtenAt }: ArchiveTimes): string | undefined {
  if (before === undefined || Date.parse(before.writtenAt) === Date.parse(writtenAt)) return undefined
  if (Date.parse(createdAt) >= Date.parse(before.createdAt) - TOLERANCE_MILLISECONDS) return undefined
  return `The archive written at ${writtenAt} is dated ${createdAt}, before the one that was written earlier, dated ${before.createdAt}.`
}
