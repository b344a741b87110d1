/** What a run makes AWS do, counted along the workflows: calls, state transitions, requests. Pure. */
import type { StoredArtifact } from '../../contracts/nouns.ts'
import type { GuestCounts } from '../../contracts/work.ts'
import { planParts } from '../transfer/part-plan.ts'
import { nextWaitSeconds } from '../backup/poll-wait.ts'

/**
 * How an archive's copying falls into rounds (`round-order.ts`): few long ones where it is alone and its pace is soon
 * found, many short ones beside other transfers, after some that try out how many streams are best.
 */
export const ROUNDS = { few: { seconds: 600, trials: 0 }, many: { seconds: 120, trials: 3 } }

/** Of functions other than Copy parts: a few requests to the site and to S3 each. */
export const SMALL_CALL = { seconds: 1, memoryMiB: 1024 }

/** Requests of STANDARD that each call makes for claims, ledgers, progress and outcomes. */
const BOOKKEEPING_PER_CALL = { puts: 2, gets: 2 }

/** How the archive of a guest comes about. */
export interface GuestCourse {
  sizeBytes: number
  /** From the start of the backup to its end. */
  dumpSeconds: number
  streams: number
  bytesPerSecondOfStream: number
  rounds: (typeof ROUNDS)['few']
}

export interface CountedWork {
  /** Of functions other than Copy parts. */
  smallCalls: number
  copyCalls: number
  /** Of all Copy parts functions together. */
  copySeconds: number
  transitions: number
  parts: number
  puts: number
  /** Beside the archives. */
  bookkeeping: { puts: number; gets: number; lists: number }
}

/** Looks at a running backup until it ends: the waits grow with the time that has passed. */
export function pollCount(dumpSeconds: number): number {
  let polls = 0
  for (let elapsedSeconds = 0; elapsedSeconds < dumpSeconds; polls++) {
    elapsedSeconds += nextWaitSeconds({ elapsedSeconds })
  }
  return Math.max(1, polls)
}

/**
 * One guest that is archived without trouble: no retry, no wait for a turn. States of Export guest and Transfer artifact,
 * in their order: Which platform?, Vzdump in legs, Take up vzdump, How far is vzdump?, Start vzdump, Vzdump begun?, as often
 * as it is looked at (Wait, Check vzdump, Vzdump done?), Vzdump is there, Vzdump ended?, Locate archive of vzdump, Did the
 * platform store vzdump?, Transfer each artifact, Take up artifact, Open upload, Already stored?, Copy in legs, Take up copying, Plan copies, What next?,
 * for each round (Copy chunks, Copy parts for each stream, Plan copies, What next?), Every part is there, Copying ended?,
 * Complete upload, Compare checksums, Write manifest, Is there a retention?, Release backup, Released?, Is it as required?, Guest
 * archived. A backup or a copy of days takes further legs, a few states each, which are not counted.
 */
export function guestWork(course: GuestCourse): CountedWork {
  const { sizeBytes, dumpSeconds, streams, bytesPerSecondOfStream } = course
  const { partCount } = planParts(Math.round(sizeBytes))
  const copySeconds = sizeBytes / bytesPerSecondOfStream
  const used = Math.max(1, Math.min(streams, partCount))
  const steady = Math.max(1, Math.ceil(copySeconds / used / course.rounds.seconds))
  const rounds = steady + (steady > 1 ? course.rounds.trials : 0)
  const counts = {
    backupCalls: 1 + pollCount(dumpSeconds),
    plans: 1 + rounds,
    rounds,
    copyCalls: rounds * used,
    brokenCalls: 0,
    copySeconds,
    partsSent: partCount,
    retention: false,
  }
  return countedWork(counts, [{ partCount }])
}

/**
 * The work on a guest that was archived, from what was counted meanwhile. States as above, and beside them Wait for a turn
 * where nothing was copied after a plan, Stream broke, and Apply retention.
 */
export function countedWork(
  counts: Omit<GuestCounts, 'untimedCalls' | 'memoryMiB'>,
  stored: readonly Pick<StoredArtifact, 'partCount'>[],
): CountedWork {
  const { backupCalls, plans, rounds, copyCalls, brokenCalls, copySeconds, partsSent, retention } = counts
  const artifacts = stored.length
  // What S3 had already is neither planned nor completed.
  const completions = plans === 0 ? 0 : artifacts
  const waits = Math.max(0, plans - rounds - completions)
  // Locate archive, Compare checksums, Write manifest and Release backup; Open upload for each artifact.
  const smallCalls = backupCalls + 4 + artifacts + plans + completions + (retention ? 1 : 0)
  const partCount = stored.reduce((sum, artifact) => sum + artifact.partCount, 0)
  return {
    smallCalls,
    copyCalls,
    copySeconds,
    // Each call about the backup but the first comes with a wait and a question; so does the first, without the wait.
    transitions:
      3 * backupCalls -
      1 +
      16 +
      (retention ? 1 : 0) +
      (4 * artifacts + 4 * completions + 2 * plans + waits + rounds + copyCalls + brokenCalls),
    // Opening the upload is billed as a part is.
    parts: artifacts + partsSent,
    // Completion, log, notes and manifest.
    puts: artifacts + 3,
    bookkeeping: {
      puts: smallCalls * BOOKKEEPING_PER_CALL.puts + copyCalls,
      gets: smallCalls * BOOKKEEPING_PER_CALL.gets + copyCalls,
      // Each planning reads the list of parts, a thousand at a time, and so does the completion; a copy call its own range.
      lists: (plans + completions) * Math.ceil(partCount / 1000) + copyCalls + 1,
    },
  }
}

export const noWork: CountedWork = {
  smallCalls: 0,
  copyCalls: 0,
  copySeconds: 0,
  transitions: 0,
  parts: 0,
  puts: 0,
  bookkeeping: { puts: 0, gets: 0, lists: 0 },
}

/**
 * Export run around its guests: Authenticate, Already served?, Plan run, Any guest found?, the Map, Write catalogue,
 * Report run, two to end. Bringing the catalogue up to date also lists the site's archives: a list for each thousand
 * objects there, and an index object for each guest; what a site has is not known here.
 */
export const runWork: CountedWork = {
  smallCalls: 4,
  copyCalls: 0,
  copySeconds: 0,
  transitions: 9,
  parts: 0,
  puts: 0,
  bookkeeping: { puts: 5, gets: 5, lists: 3 },
}

export function addWork(one: CountedWork, other: CountedWork): CountedWork {
  return {
    smallCalls: one.smallCalls + other.smallCalls,
    copyCalls: one.copyCalls + other.copyCalls,
    copySeconds: one.copySeconds + other.copySeconds,
    transitions: one.transitions + other.transitions,
    parts: one.parts + other.parts,
    puts: one.puts + other.puts,
    bookkeeping: {
      puts: one.bookkeeping.puts + other.bookkeeping.puts,
      gets: one.bookkeeping.gets + other.bookkeeping.gets,
      lists: one.bookkeeping.lists + other.bookkeeping.lists,
    },
  }
}
