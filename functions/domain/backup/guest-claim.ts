/** The claim: who backs up a guest at this moment, and how far the start of the job has got. Pure rules; I/O is elsewhere. */
import * as z from 'zod'
import { type BackupOptions, backupOptionsSchema } from '../../contracts/backup-options.ts'
import { REPEAT_WINDOW_DAYS } from '../../contracts/sweep.ts'
import { sameGuest } from '../identity/guest-identity.ts'
import { clockOffsetSchema } from '../../contracts/evidence.ts'
import { localProcessSchema } from '../../contracts/process-identity.ts'
import { type Guest, guestIdentitySchema, instantSchema } from '../../contracts/nouns.ts'

/**
 * A claim lapses this long after its last renewal, so that an execution that died without a word doesn't block its
 * guests. Above the longest time between two renewals: a copying function of Lambda's fifteen minutes, which renews
 * when it begins.
 */
export const LEASE_SECONDS = 1_200
/** Renewed no more often than this: many functions of one execution work at the same time. */
export const RENEW_AFTER_SECONDS = 120

/**
 * An answer to "start a backup" that was lost becomes certain this long after it was asked: Proxmox proxies give up
 * after 30 s (facts: 596) and a task that was accepted is listed at once.
 */
export const START_SETTLES_SECONDS = 60

/** A run on one machine. Absent in claims of AWS, and where a machine doesn't tell its processes apart. */
const localRunSchema = z.strictObject({
  process: localProcessSchema,
  /** When the run began: its plan lies by the day. */
  runStartedAt: instantSchema,
})

const claimedGuestSchema = z.strictObject({ name: z.string(), identity: guestIdentitySchema.optional() })

/** What a run asked the platform for. */
const askedWorkSchema = z.strictObject({
  token: z.string(),
  backup: backupOptionsSchema,
  /** Of whom. Absent in claims of versions that didn't keep it. */
  guest: claimedGuestSchema.optional(),
  jobRef: z.string().optional(),
  storage: z.string().optional(),
  clock: clockOffsetSchema.optional(),
})
export type AskedWork = z.infer<typeof askedWorkSchema>

export const guestClaimSchema = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  /** The execution that holds it: one that repeats a guest of the same run is another. */
  execution: z.string(),
  renewedAt: instantSchema,
  /** The guest is free again; the claim stays as an object so that every change is a conditional write. */
  released: z.boolean(),
  /** When this run last asked the platform for a backup. Written *before* asking. */
  askedAt: instantSchema.optional(),
  /** Jobs that were there before asking; whatever else shows up later is the one that was asked for. */
  knownJobRefs: z.array(z.string()),
  /** The job, once it is known. */
  jobRef: z.string().optional(),
  /** The storage that it dumps to, where the job left the choice open. */
  storage: z.string().optional(),
  /** When the job was started, by our clock. */
  startedAt: instantSchema.optional(),
  /** How far the platform's clock was off then. */
  clock: clockOffsetSchema.optional(),
  /** Names what this claim's backup makes on the platform, so that it is known again as ours. */
  token: z.string().optional(),
  /** Of whom the backup was asked for: anyone who goes on with it must mean the same guest. */
  guest: claimedGuestSchema.optional(),
  /** The options that were asked for with the token. */
  backup: backupOptionsSchema.optional(),
  /** What the run before this one had asked for when it died without a word: its job may still run. */
  earlier: askedWorkSchema.optional(),
  /**
   * Since when the job is kept for another run to go on with: its run ended by something that says nothing about the
   * bytes. Absent while it is worked on, and once its archive is committed.
   */
  keptSince: instantSchema.optional(),
  /** The process that holds it, so that another on the same machine can tell whether that one died. */
  local: localRunSchema.optional(),
})
export type GuestClaim = z.infer<typeof guestClaimSchema>

/** Who claims: a run, and which of its executions. */
export interface Claimant {
  runId: string
  execution: string
  /** Of a run on one machine. */
  local?: GuestClaim['local']
}

/** `before` is the claim that this one replaces, if it does. */
export function newClaim(claimant: Claimant, now: Date, before?: GuestClaim): GuestClaim {
  const claim = {
    version: 1 as const,
    ...claimantOf(claimant),
    renewedAt: now.toISOString(),
    released: false,
    knownJobRefs: [],
  }
  const earlier = before === undefined || before.released ? undefined : (askedBy(before) ?? before.earlier)
  return { ...claim, ...(earlier === undefined ? {} : { earlier }) }
}

function askedBy({ token, backup, guest, jobRef, storage, clock }: GuestClaim): AskedWork | undefined {
  if (token === undefined || backup === undefined) return undefined
  return {
    token,
    backup,
    ...(guest === undefined ? {} : { guest }),
    ...(jobRef === undefined ? {} : { jobRef }),
    ...(storage === undefined ? {} : { storage }),
    ...(clock === undefined ? {} : { clock }),
  }
}

/**
 * The claim of a run that takes the guest from another: with that one's job, when it was kept to be gone on with or its
 * execution died without a word. Not for longer than parts are kept: then a fresh backup is worth more.
 */
export function succeedingClaim(before: GuestClaim | undefined, claimant: Claimant, now: Date): GuestClaim {
  const keptSince = before?.keptSince ?? (before?.released === false ? before.renewedAt : undefined)
  if (before?.jobRef === undefined || keptSince === undefined) return newClaim(claimant, now, before)
  const days = (now.getTime() - Date.parse(keptSince)) / (24 * 3_600_000)
  if (days > REPEAT_WINDOW_DAYS) return newClaim(claimant, now, before)
  const { local: _dead, ...kept } = before
  return { ...kept, ...claimantOf(claimant), renewedAt: now.toISOString(), released: false, keptSince }
}

function claimantOf({ runId, execution, local }: Claimant): Claimant {
  return { runId, execution, ...(local === undefined ? {} : { local }) }
}

/** Whether the backup that a claim names is of this guest. A name alone changes; where nothing else tells, it has to agree. */
export function isOfGuest(
  { guest: asked }: Pick<GuestClaim, 'guest'>,
  guest: Pick<Guest, 'name' | 'identity'>,
): boolean {
  return asked === undefined || (sameGuest(asked.identity, guest.identity) ?? asked.name === guest.name)
}

/** Whether a backup with these options is as good as one with those. Both were parsed, so their keys are in one order. */
export function sameOptions(one: BackupOptions, other: BackupOptions): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Whether the claim keeps somebody else out: neither theirs, nor given back, nor lapsed. */
export function standsAgainst(claim: GuestClaim, claimant: Claimant, now: Date): boolean {
  return !isOf(claim, claimant) && isAlive(claim, now)
}

/** Whether somebody holds the guest. */
export function isAlive(claim: GuestClaim, now: Date): boolean {
  return !claim.released && now.getTime() < lapsesAt(claim).getTime()
}

export function isOf(claim: GuestClaim, { runId, execution }: Claimant): boolean {
  return claim.runId === runId && claim.execution === execution
}

export function lapsesAt(claim: GuestClaim): Date {
  return new Date(Date.parse(claim.renewedAt) + LEASE_SECONDS * 1000)
}
