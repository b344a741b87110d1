/**
 * The slowest line that is supported. A copy may go on for weeks without filling any history, so this is the limit: within
 * it the run ends, and the bucket's rule leaves the upload alone (`abandonedUploadDays`, from the upload's opening).
 */
import type { Pace } from '../../contracts/pace.ts'
import { formatBytes } from '../words/byte-size.ts'

/**
 * An archive is copied within this time, pauses included. That asks for 0.9 MB/s for each TiB: 44 MB/s over all streams
 * for the largest object that S3 can hold. The slowest line follows from the size, since it is time that runs out.
 */
export const LONGEST_COPY_DAYS = 14
const LONGEST_COPY_SECONDS = LONGEST_COPY_DAYS * 86_400

/** Over all streams together, on average. */
export function slowestLineBytesPerSecond(sizeBytes: number): number {
  return sizeBytes / LONGEST_COPY_SECONDS
}

export interface LineReport {
  /** The time is up. */
  over: boolean
  /** A sentence that says so, or warns that it will be; absent while the line is fast enough, or nothing is measured. */
  warning?: string
}

/** Whether the line brings what is missing in time, by the rate that the transfer reached so far. */
export function judgeLine(
  { copyingSince, measured, home }: Pick<Pace, 'copyingSince' | 'measured' | 'home'>,
  missingBytes: number,
  now: Date,
): LineReport {
  const spentSeconds = copyingSince === undefined ? 0 : (now.getTime() - Date.parse(copyingSince)) / 1000
  const leftSeconds = LONGEST_COPY_SECONDS - spentSeconds
  const missing = `${formatBytes(missingBytes)} are missing`
  if (leftSeconds <= 0) {
    const warning = `An archive has ${LONGEST_COPY_DAYS} days for its copy, and ${missing}. What S3 has of it stays for a repetition. Give the transfer more bandwidth, or archive less at a time.`
    return { over: true, warning }
  }
  const reached = (measured.find(({ streams }) => streams === home) ?? measured.at(-1))?.bytesPerSecond
  if (reached === undefined || missingBytes <= reached * leftSeconds) return { over: false }
  const warning = `The line is too slow: ${missing}, and at ${formatBytes(reached)} a second they take longer than the ${Math.floor(leftSeconds / 3600)} hours that are left of ${LONGEST_COPY_DAYS} days.`
  return { over: false, warning }
}
