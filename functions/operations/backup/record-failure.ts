import { BackupFailed, RecordTooNew, RecordUnreadable, RunInterrupted } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { readFailure } from '../../domain/backup/failure.ts'
import { archiveFolder, artifactKey, evidenceKey } from '../../domain/books/object-keys.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { ownClaim, releaseClaim, renewClaim } from '../books/claims.ts'
import { leaveQueue } from './dump-turns.ts'
import { lastSeen } from '../books/guest-progress.ts'
import { readKeptEvidence } from '../books/kept-evidence.ts'
import { type Cleared, clearLeft } from './left-behind.ts'
import { emptyOutcome, recordOutcome } from '../books/outcomes.ts'
import type { Ports } from '../ports.ts'
import { dropUpload } from '../books/drop-upload.ts'
import { stopJob } from './stop-job.ts'
import { releaseStreams } from '../books/stream-reservations.ts'
import { sentences } from '../../domain/words/sentence.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'traitsOf' | 'now' | 'log' | 'sleep'>

/**
 * Clean up after a failed guest and say why it failed. Each step is tried whatever the others do; what could not be
 * cleaned up is part of the reason, so that the operator knows what is left.
 */
export async function recordFailure(
  input: TaskInput<'RecordFailure'>,
  ports: Needs,
): Promise<TaskOutput<'RecordFailure'>> {
  const { item, error } = input
  const waitedSeconds = input.waitedSeconds ?? undefined
  const failure = readFailure(error)
  const leftovers: string[] = []
  // Whoever waits for a release has decided before that nobody goes on with the job.
  let stopped = (waitedSeconds ?? 0) > 0
  let wait: Cleared['wait']
  const attempt = async (what: string, step: () => Promise<void>) => {
    try {
      await step()
      return true
    } catch (problem) {
      const message = problem instanceof Error ? problem.message : String(problem)
      ports.log('clean-up-incomplete', { site: item.site, guest: item.guest.id, what, message })
      leftovers.push(`Clean-up: ${what} failed: ${message}`)
      return false
    }
  }
  const legible = async <Value>(reading: Promise<Value>): Promise<Value | undefined> => {
    try {
      return await reading
    } catch (problem) {
      if (!(problem instanceof RecordUnreadable || problem instanceof RecordTooNew)) throw problem
      if (problem.message !== failure.message) leftovers.push(`Clean-up: ${problem.message}`)
      return undefined
    }
  }
  // A claim that can't be read may be another run's: then nothing on the platform or of the upload is touched.
  const held = await legible(ownClaim(input, ports))
  const evidence = await legible(readKeptEvidence(evidenceKey(item.run.prefix, item.guest.id), ports))
  // Before its archive was located, a guest has no upload.
  const located = evidence === undefined ? [] : sourcesOf(evidence.evidence).map(({ artifact }) => artifact)
  if (held !== undefined && !held.claim.released) {
    const reached = await attempt('stopping the job', async () => {
      const { stopped: wasRunning, unclear, leftLock } = await stopJob(held.claim, item, ports)
      stopped ||= wasRunning
      leftovers.push(...unclear.map(mayRun))
      if (leftLock !== undefined) leftovers.push(leftLock)
    })
    // Where stopping failed, nothing is known of what the job did since.
    if (reached) {
      await attempt('looking for what is left on the platform', async () => {
        const goesOn = failure.resumable && !stopped
        const givenUp = failure.name === RunInterrupted.errorName
        const left = { kept: evidence?.evidence, stopped, goesOn, givenUp, waitedSeconds }
        const cleared = await clearLeft(item, held.claim, left, ports)
        leftovers.push(...cleared.sentences)
        wait = cleared.wait
      })
    }
    if (wait !== undefined) {
      await attempt('keeping the guest while that goes on', () => renewClaim(input, ports))
      return wait
    }
    if (!failure.resumable) {
      for (const { createdAt, fileName } of located) {
        const folder = archiveFolder(ports.keyPrefix, item.site, item.guest, createdAt)
        await attempt('aborting the upload', () => dropUpload(artifactKey(folder, fileName), ports))
      }
    }
  }
  await attempt('giving back its turn to dump', () => leaveQueue(input, ports))
  await attempt('giving back its streams', () => releaseStreams(item.site, input.execution, ports))
  const seen: string[] = []
  await attempt('reading how far it was', async () => {
    seen.push(
      ...[await lastSeen(item.run, item.guest.id, ports, located.length > 0)].filter(
        (sentence) => sentence !== undefined,
      ),
    )
  })
  const verdict = error.Error === BackupFailed.errorName ? (evidence?.verdict ?? failure.name) : failure.name
  const since = Date.parse(held?.claim.startedAt ?? item.run.startedAt)
  const outcome = emptyOutcome(
    item.guest,
    failure.skipped ? 'skipped' : 'failed',
    verdict,
    sentences([failure.message, ...(failure.skipped ? [] : seen), ...leftovers]),
    Math.max(0, (ports.now().getTime() - since) / 1000),
  )
  await recordOutcome(item.run, outcome, ports)
  if (held !== undefined) {
    // A job that was stopped here proves nothing any more: whoever repeats the guest has to start another.
    const keepJob = failure.resumable && !stopped
    await attempt('giving back the claim', () => releaseClaim(input, held, keepJob ? 'keep' : 'drop', ports))
  }
  return outcome
}

function mayRun(jobRef: string): string {
  return (
    `The job ${jobRef} runs and may be the one that was asked for; nothing shows it, so it was not stopped. ` +
    `If nobody else started it, stop it: guestlift tasks stop '${jobRef}' --site-file <file> --confirm.`
  )
}
