/** Pruning a whole site on its own schedule: what it is started with, what it goes by, and what it tells. */
import * as z from 'zod'
import { guestIdentitySchema, guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { runOutcomeSchema } from './report.ts'
import { retentionSchema } from './retention.ts'

const count = z.int().nonnegative()
const keyedGuestSchema = z.strictObject({ kind: guestKindSchema, id: z.string().min(1) })

/** What a person or a schedule starts it with. */
export const pruningRequestSchema = z.strictObject({
  site: siteNameSchema,
  retention: retentionSchema,
  /** Only guests with these ids; all that have archives when left out. */
  guests: z.array(z.string().min(1)).min(1).optional(),
  /** Only report what would be removed. */
  dryRun: z.boolean().default(false),
  /** A person agrees that more than `largestShare` of a guest's archives may go. A schedule never does. */
  confirmed: z.boolean().default(false),
  /** A person agrees that the guests which the site doesn't list are gone, however many. A schedule never does. */
  confirmedGone: z.boolean().default(false),
  /** A person says that this cluster, by its id, is the site's from now on. */
  acceptCluster: z.string().min(1).optional(),
})
export type PruningRequest = z.output<typeof pruningRequestSchema>

/** `prunings/<yyyy>/<mm>/<dd>/<id>/plan.json`: the order, and the guests that the site had when it was given. */
export const pruningPlanSchema = pruningRequestSchema.extend({
  version: z.literal(1),
  known: z.strictObject({
    /** `identity`: who the guest is beside its id, where the platform tells. */
    guests: z.array(keyedGuestSchema.extend({ identity: guestIdentitySchema.optional() })),
    /** Why the site may have more guests than it showed, a sentence. */
    mayLack: z.string().optional(),
    /** Guests with archives that whole lists lack, since when and how many. Only `gone` ones are gone. */
    absent: z.array(keyedGuestSchema.extend({ since: instantSchema, lists: count, gone: z.boolean() })).optional(),
    /** Why those that are gone aren't treated so until a person confirms it, a sentence. */
    doubt: z.string().optional(),
  }),
})
export type PruningPlan = z.output<typeof pruningPlanSchema>

/** A guest with something to tell; its own report, with each archive and reason, lies below `retention/`. */
export const prunedGuestSchema = z.strictObject({
  guest: keyedGuestSchema,
  /** A sentence or two: what it came to, or why it couldn't be looked at. */
  summary: z.string(),
  removed: count,
  removedBytes: count,
  locked: count,
  /** What a person should look at, sentences. */
  attention: z.array(z.string()),
})
export type PrunedGuest = z.output<typeof prunedGuestSchema>

export const pruningTotalsSchema = z.strictObject({
  /** `failed`: no guest could be looked at; `partial`: something needs a person's attention. */
  outcome: runOutcomeSchema,
  /** One sentence. */
  summary: z.string(),
  /** Guests with archives that were looked at, and those of them that need attention. */
  guests: count,
  troubled: count,
  /** Archives to be removed, of these removed, and of these locked. In a dry run none is removed. */
  toRemove: count,
  removed: count,
  removedBytes: count,
  locked: count,
  /** Of those to be removed in a dry run, those of which S3 wasn't asked whether a lock holds them. Absent: none. */
  locksNotAsked: count.optional(),
})
export type PruningTotals = z.output<typeof pruningTotalsSchema>

/** `report.json` beside the plan. Written anew after each guest that changed: a call that goes on begins where it ends. */
export const pruningReportSchema = pruningTotalsSchema.extend({
  version: z.literal(1),
  pruningId: z.string(),
  site: siteNameSchema,
  startedAt: instantSchema,
  endedAt: instantSchema,
  dryRun: z.boolean(),
  retention: retentionSchema,
  told: z.array(prunedGuestSchema),
  /** The last guest that was looked at, in the order of the keys, until all are. */
  behind: keyedGuestSchema.optional(),
  done: z.boolean(),
})
export type PruningReport = z.output<typeof pruningReportSchema>
