/** The claim: who backs up a guest at this moment, and how far the start of the job has got. Pure rules; I/O is elsewhere. */
import { z } from 'zod'
import { instantSchema } from '../contracts/nouns.ts'

/**
 * A claim lapses this long after its last renewal, so that a run that died without a word doesn't block its guests.
 * Check backup renews it at least every five minutes (its longest wait) plus the retries of a short outage.
 */
export const LEASE_SECONDS = 900

/**
 * An answer to "start a backup" that was lost becomes certain this long after it was asked: Proxmox proxies give up
 * after 30 s (facts: 596) and a task that was accepted is listed at once.
 */
export const START_SETTLES_SECONDS = 60

export const guestClaimSchema = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  renewedAt: instantSchema,
  /** The guest is free again; the claim stays as an object so that every change is a conditional write. */
  released: z.boolean(),
  /** When this run last asked the platform for a backup. Written *before* asking. */
  askedAt: instantSchema.optional(),
  /** Jobs that were there before asking; whatever else shows up later is the one that was asked for. */
  knownJobRefs: z.array(z.string()),
  /** The job, once it is known. */
  jobRef: z.string().optional(),
  /** When the job was started, by our clock. */
  startedAt: instantSchema.optional(),
})
export type GuestClaim = z.infer<typeof guestClaimSchema>

export function newClaim(runId: string, now: Date): GuestClaim {
  return { version: 1, runId, renewedAt: now.toISOString(), released: false, knownJobRefs: [] }
}

/** Whether another run's claim still stands: neither given back nor lapsed. */
export function standsAgainst(claim: GuestClaim, runId: string, now: Date): boolean {
  return claim.runId !== runId && !claim.released && now.getTime() < lapsesAt(claim).getTime()
}

export function lapsesAt(claim: GuestClaim): Date {
  return new Date(Date.parse(claim.renewedAt) + LEASE_SECONDS * 1000)
}
