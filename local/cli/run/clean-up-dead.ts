/** What a run on this machine finds of earlier ones whose process was killed: nobody else cleans up after them. */
import { readFailure } from '../../../functions/domain/backup/failure.ts'
import { deadLocalRuns } from '../../../functions/operations/run/local-runs.ts'
import type { LocalRunner } from '../../run/local-runner.ts'
import { isGone } from '../../../functions/runtime/process-identity.ts'
import type { OpenBucket } from '../bucket-store.ts'
import type { Display } from '../print/display.ts'
import { executionName } from './execution-name.ts'
import type { StopSignals } from '../stop-signals.ts'

/** Functions of a dead process end with it, at their next breath. */
const SETTLE_SECONDS = 2

/** Whatever goes wrong here is said and keeps nothing from running: what is left then lapses by itself. */
export async function cleanUpDeadRuns(
  site: string,
  runner: Pick<LocalRunner, 'cleanUp'>,
  bucket: Pick<OpenBucket, 'store' | 'keyPrefix'>,
  display: Pick<Display, 'say'>,
  stop: StopSignals,
): Promise<void> {
  try {
    for (const { runId, startedAt, executions } of await deadLocalRuns(site, isGone, bucket)) {
      if (stop.interrupt.aborted) return
      display.say(`Cleaning up after run ${runId}, whose process on this machine ended without a word …`)
      const quiet = { onEvent: () => undefined, onLog: () => undefined }
      const detail = { name: runId, status: 'ABORTED', startDate: Date.parse(startedAt), settleSeconds: SETTLE_SECONDS }
      const dead = { detail, executions }
      const { status, output, error = status, cause } = await runner.cleanUp(dead, executionName('local'), quiet, stop)
      display.say(typeof output === 'string' ? output : readFailure({ Error: error, Cause: cause }).message)
    }
  } catch (problem) {
    const message = problem instanceof Error ? problem.message : String(problem)
    display.say(`What killed runs of this machine left behind could not be looked for: ${message}`)
  }
}
