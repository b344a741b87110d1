/** Which guests a check of a site's coverage expects to be archived, and what it found. */
import * as z from 'zod'
import { rehearsalSchema } from './drill.ts'
import { shortGradeSchema } from './grade.ts'
import { guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { lesserLevelSchema } from './proof.ts'
import { runOutcomeSchema } from './report.ts'
import { guestSelectionSchema } from './selection.ts'

/** Guests that carry it are left out on purpose. */
export const PARKED_TAG = 'guestlift-parked'

export const coverageRulesSchema = z.strictObject({
  everyHours: z
    .number()
    .positive()
    .max(8784)
    .default(24)
    .describe(
      'How often guests are to be archived that no schedule chooses, or whose schedule does not show its interval.',
    ),
  graceHours: z
    .number()
    .nonnegative()
    .max(8784)
    .default(6)
    .describe(
      'How much older than that the newest archive may be, since guests wait for their turn and dumps take time.',
    ),
  shrunkBelow: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("An archive below this share of its guest's usual size is `shrunk`."),
  parkedTags: z
    .array(z.string().min(1))
    .default([PARKED_TAG])
    .describe('Guests with one of these tags are left out on purpose.'),
  parkedIds: z.array(z.string().min(1)).default([]).describe('These guests are left out on purpose.'),
  rehearsedDays: z
    .number()
    .positive()
    .max(3650)
    .optional()
    .describe(
      'A guest is `unrehearsed` when no rehearsal of it passed within so many days. Without it, rehearsals are shown and not judged.',
    ),
  wholeSite: z
    .boolean()
    .default(true)
    .describe(
      'Whether the account has to see every guest of the site. `false` for accounts that are meant to see some guests only.',
    ),
})

/** A schedule of runs, as far as coverage depends on it. */
export const coverageScheduleSchema = z.strictObject({
  name: z.string().min(1),
  guests: guestSelectionSchema,
  /** The longest time between two of its firings; absent where the expression doesn't tell. */
  everyHours: z.number().positive().optional(),
})
export type CoverageSchedule = z.output<typeof coverageScheduleSchema>

/** What a person or a schedule starts a check with. */
export const coverageRequestSchema = z.strictObject({
  site: siteNameSchema,
  rules: coverageRulesSchema.prefault({}),
  /** Those that are switched on. */
  schedules: z.array(coverageScheduleSchema).default([]),
})
export type CoverageRequest = z.output<typeof coverageRequestSchema>

/** One guest; what a later version tells more is kept. */
const judgedGuestSchema = z.looseObject({
  site: siteNameSchema,
  guest: z.strictObject({ kind: guestKindSchema, id: z.string() }),
  name: z.string(),
  /** As `domain/coverage.ts` names them: `covered`, `never`, `stale`, … */
  state: z.string(),
  reasons: z.array(z.string()),
  archives: z.int().nonnegative(),
  sizeBytes: z.int().nonnegative(),
  /** The trusted time of the newest archive. */
  newestAt: instantSchema.optional(),
  /** What the platform's clock said, where that is more than a minute off. */
  newestCreatedAt: instantSchema.optional(),
  lastVerifiedAt: instantSchema.optional(),
  /** What the newest archive reached; absent where nobody knows. */
  grade: shortGradeSchema.optional(),
  /** By what the newest archive is proved. Absent: by the CRC-32 that the store computed over it. */
  proof: lesserLevelSchema.optional(),
  /** Schedules that choose it. */
  chosenBy: z.array(z.string()).optional(),
  /** Its last rehearsal and the last that passed; absent where there was none, or where the book of them can't be read. */
  rehearsal: z.looseObject({ last: rehearsalSchema, lastPassed: rehearsalSchema.optional() }).optional(),
})

/** Written to `coverage/<yyyy>/<mm>/<dd>/<id>.json`, and the last one to `coverage/<site>.json`. */
export const coverageReportSchema = z.strictObject({
  version: z.literal(1),
  coverageId: z.string(),
  site: siteNameSchema,
  /** `failed`: some guest isn't covered; `partial`: all that were seen are, and there may be more. */
  outcome: runOutcomeSchema,
  /** One sentence. */
  summary: z.string(),
  startedAt: instantSchema,
  judgedAt: instantSchema,
  rules: coverageRulesSchema,
  schedules: z.array(coverageScheduleSchema.omit({ guests: true })),
  /** Guests by state. */
  counts: z.record(z.string(), z.int().nonnegative()),
  /** Worst first. */
  guests: z.array(judgedGuestSchema),
  /** What couldn't be known, a sentence each. */
  unknown: z.array(z.string()),
})
export type CoverageReport = z.output<typeof coverageReportSchema>

export const coverageSummarySchema = z.strictObject({
  outcome: runOutcomeSchema,
  summary: z.string(),
  uncovered: z.int().nonnegative(),
  /** Whether the guests that were seen are those that were to be seen. */
  certain: z.boolean(),
  bucket: z.string(),
  reportKey: z.string(),
})
