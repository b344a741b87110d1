/** Rehearsed restores: which guests, how often, under which ids, and what a rehearsal has to show. */
import * as z from 'zod'
import {
  dayOrInstantSchema,
  guestIdSchema,
  guestIdentitySchema,
  guestKindSchema,
  instantSchema,
  recordedGuestSchema,
  siteNameSchema,
} from './nouns.ts'
import { runOutcomeSchema } from './report.ts'
import { guestSelectionSchema, parseIdRange } from './selection.ts'

/** Commands of a site are called by name: who may start a drill doesn't get to say what runs in a guest. */
export const drillCommandNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name of small letters, digits and hyphens')

/** What is looked for in a guest that was started. */
export const drillProbesSchema = z.strictObject({
  bootSeconds: z
    .int()
    .min(10)
    .max(600)
    .default(300)
    .describe('How long the guest may take to boot, until its agent answers.'),
  commands: z
    .array(drillCommandNameSchema)
    .max(10)
    .default([])
    .describe(
      "Commands to run in a virtual machine through its agent, by their names in the site's `restore.drillCommands`. Each has to end with 0.",
    ),
})
export type DrillProbes = z.output<typeof drillProbesSchema>

/** Ids that are kept free for rehearsals, both ends inclusive. */
export const scratchIdsSchema = z
  .string()
  .refine((text) => parseIdRange(text) !== undefined, { error: 'a range of ids reads 9900-9949' })
  .describe('Ids that are kept free for rehearsals, as `9900-9949`. No rehearsal takes an id outside.')

/** Beside a request for a restore: the guest is rehearsed, and removed again. */
export const drillSchema = z.strictObject({
  ids: scratchIdsSchema,
  probes: drillProbesSchema.prefault({}),
})

/** What a person, or a schedule, starts a drill with: the input of the workflow `restore-drill`. */
export const drillRequestSchema = z.strictObject({
  site: siteNameSchema.describe('The site that the guests are brought back on.'),
  from: siteNameSchema.optional().describe('The site that the archives are of, where it is another.'),
  guests: guestSelectionSchema.describe('Which guests are rehearsed, chosen as in a job.'),
  everyDays: z
    .number()
    .min(0)
    .max(3650)
    .default(30)
    .describe(
      'Each guest is due again so many days after its last rehearsal that passed, and at once after one that failed. `0`: now.',
    ),
  most: z.int().min(1).max(50).default(1).describe('Rehearsals of one drill. Those that waited longest come first.'),
  ids: scratchIdsSchema,
  node: z.string().min(1).optional().describe('The node. Without it, the one that each guest was archived on.'),
  storage: z.string().min(1).optional().describe('Where the disks go. Without it, where the archives had them.'),
  deliveryStorage: z.string().min(1).optional().describe("The storage that takes the archives' files meanwhile."),
  pool: z.string().min(1).optional().describe('The pool that the rehearsed guests join.'),
  bridges: z
    .record(z.string().min(1), z.string().min(1))
    .optional()
    .describe('Archived bridge to the bridge in its place. Guests are unplugged from it before they start.'),
  limitKiBPerSecond: z.int().min(1).optional().describe('Limit for the platform while it writes the disks.'),
  probes: drillProbesSchema.prefault({}).describe('What is looked for in each guest.'),
  at: dayOrInstantSchema
    .optional()
    .describe('Rehearse the newest archive on or before a day (to its end in UTC) or an instant.'),
})
export type DrillRequest = z.output<typeof drillRequestSchema>

/** One thing that was looked for, and what was seen. */
export const drillCheckSchema = z.strictObject({
  name: z.enum(['restored', 'as-archived', 'unplugged', 'started', 'agent', 'still-running', 'command', 'removed']),
  passed: z.boolean(),
  /** A sentence. */
  seen: z.string().min(1),
})
export type DrillCheck = z.output<typeof drillCheckSchema>

/** `drills/<yyyy>/<mm>/<dd>/<restore id>.json`: the evidence of one rehearsal, whatever came of it. */
export const drillEvidenceSchema = z.strictObject({
  version: z.literal(1),
  restoreId: z.string().min(1),
  startedAt: instantSchema,
  endedAt: instantSchema,
  /** Every check passed. What couldn't be removed afterwards is in `left`, and is a check of its own. */
  passed: z.boolean(),
  summary: z.string(),
  /** Whose archive it was. */
  site: siteNameSchema,
  guest: recordedGuestSchema,
  archive: z.strictObject({
    folder: z.string(),
    createdAt: instantSchema,
    fileName: z.string(),
    sizeBytes: z.int().nonnegative(),
  }),
  target: z.strictObject({ site: siteNameSchema, node: z.string(), id: z.string() }),
  checks: z.array(drillCheckSchema),
  /** As in the restore's report. `total` is the measured recovery time: to the last check. */
  seconds: z.record(z.string(), z.number().nonnegative()),
  left: z.array(z.string()),
  /** Of the restore, with all the rest. */
  reportKey: z.string(),
})
export type DrillEvidence = z.output<typeof drillEvidenceSchema>

/** One rehearsal, as the books have it. */
export const rehearsalSchema = z.strictObject({
  at: instantSchema,
  passed: z.boolean(),
  summary: z.string(),
  archiveCreatedAt: instantSchema,
  /** From the start of the restore to its last check. */
  totalSeconds: z.number().nonnegative(),
  evidenceKey: z.string(),
})
export type Rehearsal = z.output<typeof rehearsalSchema>

/** A guest's last rehearsal, and the last that passed. */
export const rehearsedGuestSchema = z.strictObject({
  kind: guestKindSchema,
  id: z.string().min(1),
  name: z.string(),
  identity: guestIdentitySchema.optional(),
  last: rehearsalSchema,
  lastPassed: rehearsalSchema.optional(),
})
export type RehearsedGuest = z.output<typeof rehearsedGuestSchema>

/** `drills/sites/<site>.json`: when each guest was rehearsed last. A copy of the evidence: without it, that is read anew. */
export const rehearsalBookSchema = z.strictObject({
  version: z.literal(1),
  site: siteNameSchema,
  guests: z.array(rehearsedGuestSchema),
})
export type RehearsalBook = z.output<typeof rehearsalBookSchema>

/** A rehearsal that a drill begins. */
const plannedRehearsalSchema = z.strictObject({
  restoreId: z.string().min(1),
  guest: z.strictObject({ kind: guestKindSchema, id: z.string().min(1), name: z.string() }),
  /** Key of the archive's folder. */
  folder: z.string().min(1),
  node: z.string().min(1),
  scratchId: guestIdSchema,
  /** Why this guest, a sentence. */
  reason: z.string(),
})

/** `drills/<yyyy>/<mm>/<dd>/<drill id>/plan.json` */
export const drillPlanSchema = z.strictObject({
  version: z.literal(1),
  drillId: z.string().min(1),
  startedAt: instantSchema,
  request: drillRequestSchema,
  rehearsals: z.array(plannedRehearsalSchema),
  /** Guests that are due and don't fit this drill. */
  postponed: z.int().nonnegative(),
  /** Guests that are due and can't be rehearsed, a sentence each. */
  unfit: z.array(z.string()),
  /** What may be wrong with the request, a sentence each. */
  notes: z.array(z.string()),
})
export type DrillPlan = z.output<typeof drillPlanSchema>

/** What came of one rehearsal of a drill. */
const drilledGuestSchema = z.strictObject({
  ...plannedRehearsalSchema.shape,
  passed: z.boolean(),
  summary: z.string(),
  /** Absent where it left none. */
  evidenceKey: z.string().optional(),
  totalSeconds: z.number().nonnegative().optional(),
})

/** `drills/<yyyy>/<mm>/<dd>/<drill id>/report.json` */
export const drillReportSchema = z.strictObject({
  version: z.literal(1),
  drillId: z.string().min(1),
  startedAt: instantSchema,
  endedAt: instantSchema,
  site: siteNameSchema,
  /** `failed`: some rehearsal failed; `partial`: some guest that is due can't be rehearsed. */
  outcome: runOutcomeSchema,
  summary: z.string(),
  rehearsals: z.array(drilledGuestSchema),
  postponed: z.int().nonnegative(),
  unfit: z.array(z.string()),
  notes: z.array(z.string()),
})
export type DrillReport = z.output<typeof drillReportSchema>
