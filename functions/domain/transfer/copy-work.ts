/** Counting what copying takes, round by round. Pure. */
import type { CopyResult } from '../../contracts/pace.ts'
import type { StoredArtifact } from '../../contracts/nouns.ts'
import { type CopyWork, copyWorkSchema, type GuestCounts } from '../../contracts/work.ts'

/** Lambda ends every call by then (service quota), however long its state was entered before. */
const LONGEST_CALL_SECONDS = 900

export const noCopyWork: CopyWork = copyWorkSchema.parse({})

/** `partsArrived`: by how many S3's list has grown in the round, where that is known. */
export function countRound(before: CopyWork, results: readonly CopyResult[], partsArrived: number): CopyWork {
  const timed = results.filter(({ billedSeconds }) => billedSeconds !== undefined)
  return addCopyWork(before, {
    plans: 0,
    rounds: 1,
    copyCalls: results.length,
    brokenCalls: results.filter(({ error }) => error !== undefined).length,
    copySeconds: results.reduce(
      (sum, { billedSeconds, seconds }) => sum + Math.min(LONGEST_CALL_SECONDS, billedSeconds ?? seconds),
      0,
    ),
    untimedCalls: results.length - timed.length,
    partsSent: Math.max(
      partsArrived,
      results.reduce((sum, { partsSent }) => sum + partsSent, 0),
    ),
    ...billed(results),
    ...largest(results.flatMap(({ memoryMiB }) => memoryMiB ?? [])),
  })
}

export function addCopyWork(one: CopyWork, other: CopyWork): CopyWork {
  return {
    plans: one.plans + other.plans,
    rounds: one.rounds + other.rounds,
    copyCalls: one.copyCalls + other.copyCalls,
    brokenCalls: one.brokenCalls + other.brokenCalls,
    copySeconds: toMilliseconds(one.copySeconds + other.copySeconds),
    untimedCalls: one.untimedCalls + other.untimedCalls,
    partsSent: one.partsSent + other.partsSent,
    ...billed([one, other]),
    ...largest([one, other].flatMap(({ memoryMiB }) => memoryMiB ?? [])),
  }
}

/** A guest's counts from what travelled to the end of its work; `undefined` where some of it wasn't counted. */
export function guestCounts({
  item,
  stored,
  backupCalls,
}: {
  item: { retention?: unknown }
  stored: readonly Pick<StoredArtifact, 'work'>[]
  backupCalls?: number | undefined
}): GuestCounts | undefined {
  const copying = stored.flatMap(({ work }) => work ?? [])
  if (backupCalls === undefined || copying.length < stored.length) return undefined
  return { ...copying.reduce(addCopyWork, noCopyWork), backupCalls, retention: item.retention !== undefined }
}

function billed(all: readonly { billedReads?: number | undefined }[]): { billedReads?: number } {
  const counts = all.flatMap(({ billedReads }) => billedReads ?? [])
  return counts.length === 0 ? {} : { billedReads: counts.reduce((sum, count) => sum + count, 0) }
}

/** A redeployment may change it midway; the larger one costs more. */
function largest(sizes: readonly number[]): { memoryMiB?: number } {
  return sizes.length === 0 ? {} : { memoryMiB: Math.max(...sizes) }
}

/** As Lambda bills; sums of binary fractions would travel with fifteen digits. */
function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
