/** What a run may cost at most. */
import * as z from 'zod'

export const budgetSchema = z.strictObject({
  /** For the run's work on AWS and the first 30 days of its archives in STANDARD, by list prices. */
  dollarsPerRun: z.number().positive(),
  /** Go on although it may cost more, or nobody can say. */
  confirmed: z.boolean().default(false),
})
export type Budget = z.output<typeof budgetSchema>
