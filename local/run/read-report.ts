/** Reading the report that a workflow left in the bucket: the last request of a command, when everything else is done. */
import { setTimeout as delay } from 'node:timers/promises'
import { parseJson } from '../../functions/domain/words/parse-json.ts'
import { requireRecord } from '../../functions/operations/books/stored-json.ts'
import type { ReportAnswer, ReportShape, ToldReport } from './report-shapes.ts'

/** A report that lies in the bucket and could not be read: what its execution's answer says of it. */
export interface UnreadReport extends ReportAnswer {
  report: undefined
  /** Why, and where it lies: a sentence or two. */
  unread: string
}

export interface Patience {
  /** Milliseconds, of any origin. */
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** Told once, when the first reading failed. */
  onWait(message: string): void
  /** Fires when nobody wants to wait any longer. */
  signal: AbortSignal
}

const FIRST_WAIT_MILLISECONDS = 1_000
const LONGEST_WAIT_MILLISECONDS = 20_000
/** An outage that a client's own tries don't outlast often ends within minutes; a person waits no longer. */
const GIVE_UP_MILLISECONDS = 5 * 60_000

/**
 * The report, or why it can't be read after minutes of trying. What was read whole and isn't understood, as a newer
 * version's, is told at once: it says the same in five minutes; a page in place of an answer doesn't. Never rejects: the work is done by now, and its outcome is
 * known from the answer of the task that wrote the report.
 * @param read gives the text of the object
 */
export async function fetchReport<Report>(
  answer: ReportAnswer,
  { report: shape }: Pick<ReportShape<Report>, 'report'>,
  read: (bucket: string, key: string) => Promise<string>,
  patience: Patience,
): Promise<ToldReport<Report> | UnreadReport> {
  const { bucket, reportKey, outcome, summary } = answer
  const startedAt = patience.now()
  for (let wait = FIRST_WAIT_MILLISECONDS; ; wait = Math.min(LONGEST_WAIT_MILLISECONDS, wait * 2)) {
    let text: string | undefined
    try {
      text = await read(bucket, reportKey)
      return { report: requireRecord({ bucket }, reportKey, shape, text), bucket, reportKey }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const place = `s3://${bucket}/${reportKey}`
      if (text !== undefined && parseJson(text) !== undefined) {
        return { report: undefined, bucket, reportKey, outcome, summary, unread: why }
      }
      if (patience.signal.aborted || patience.now() - startedAt >= GIVE_UP_MILLISECONDS) {
        const unread = `The report ${place} could not be read: ${why} It lies there; read it once S3 answers.`
        return { report: undefined, bucket, reportKey, outcome, summary, unread }
      }
      if (wait === FIRST_WAIT_MILLISECONDS) {
        patience.onWait(
          `Everything is done, but the report ${place} can't be read yet; trying for some minutes: ${why}`,
        )
      }
      await patience.sleep(wait)
    }
  }
}

/** By a clock that nobody sets. */
export function realPatience(onWait: Patience['onWait'], signal: AbortSignal): Patience {
  return {
    now: () => performance.now(),
    sleep: (milliseconds) => delay(milliseconds, undefined, { signal }).catch(() => undefined),
    onWait,
    signal,
  }
}
