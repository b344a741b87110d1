/** The tasks of the workflow that rehearses restores. What each rehearsal does is in `restore-tasks.ts`. */
import * as z from 'zod'
import { instantSchema } from './nouns.ts'
import { runOutcomeSchema } from './report.ts'
import { siteEnv, storeEnv } from './task-env.ts'

/** An inline Map of Step Functions runs so many iterations at a time (service quota). */
export const MAX_LANES = 40

export const drillTasks = {
  /** Choose the guests that are due to be rehearsed, and the ids and nodes for that. */
  PlanDrill: {
    stem: 'plan-drill',
    input: z.strictObject({
      drillId: z.string().min(1),
      startedAt: instantSchema,
      /** The execution's input as it came: `drillRequestSchema`. */
      request: z.unknown(),
    }),
    output: z.strictObject({
      /** The drill's plan; the report goes beside it. */
      planKey: z.string().min(1),
      count: z.int().nonnegative(),
      /** One for each node: its rehearsals come one after the other. */
      lanes: z.array(z.array(z.strictObject({ name: z.string().min(1), request: z.looseObject({}) }))).max(MAX_LANES),
    }),
    env: storeEnv.extend(siteEnv.shape),
  },
  /** Tally the evidence in the bucket, not what the workflow believes. */
  ReportDrill: {
    stem: 'report-drill',
    input: z.strictObject({ planKey: z.string().min(1) }),
    output: z.strictObject({
      outcome: runOutcomeSchema,
      summary: z.string(),
      bucket: z.string(),
      reportKey: z.string(),
    }),
    env: storeEnv,
  },
} as const
