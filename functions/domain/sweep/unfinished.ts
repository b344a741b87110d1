/** What objects without a manifest are, and what may be done about them. Pure rules. */
import type { UnfinishedState } from '../../contracts/unfinished.ts'
import type { UploadRecord } from '../../contracts/upload-record.ts'
import { type GuestClaim, isAlive, lapsesAt } from '../backup/guest-claim.ts'

/** All that is known of a folder without a manifest. `unreadable`: the record is there and nobody can tell what it says. */
export interface UnfinishedFacts {
  claim: GuestClaim | 'unreadable' | undefined
  /** Of the uploads of its files. */
  records: readonly (UploadRecord | 'unreadable')[]
  /** Retention has begun to remove it. */
  going: boolean
}

/** The state and why: sentences for people. */
export function judgeUnfinished(
  { claim, records, going }: UnfinishedFacts,
  now: Date,
): { state: UnfinishedState; reason: string } {
  if (going) return { state: 'going', reason: 'Retention is removing it; the next pruning of its guest ends that.' }
  if (claim === 'unreadable' || records.includes('unreadable')) {
    const which = claim === 'unreadable' ? "The guest's claim" : "Its upload's record"
    return { state: 'unclear', reason: `${which} can't be read, so nothing is done about it.` }
  }
  if (claim !== undefined && isAlive(claim, now)) {
    return {
      state: 'under-way',
      reason: `Run ${claim.runId} holds the guest until ${lapsesAt(claim).toISOString()} and may be finishing it.`,
    }
  }
  const witness = records.find((record) => record !== 'unreadable' && record.crc32 !== undefined)
  if (witness === undefined || witness === 'unreadable') {
    return { state: 'unproven', reason: 'No record holds its checksum, so nothing proves what it is.' }
  }
  if (witness.item === undefined) {
    return {
      state: 'unproven',
      reason: "Its upload's record holds the checksum, but an older version wrote it: it doesn't say in which run.",
    }
  }
  return {
    state: 'adoptable',
    reason: `Run ${witness.item.run.id} stored it and could not write its manifest; its upload's record holds the checksum.`,
  }
}
