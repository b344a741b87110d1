/** What a run may cost at most. */
import * as z from 'zod'

export const budgetSchema = z.strictObject({
  dollarsPerRun: z
    .number()
    .positive()
    .describe(
      "US dollars for the run's work on AWS and the first 30 days of its archives in the storage class of the job, by list prices.",
    ),
  confirmed: z
    .boolean()
    .default(false)
    .describe('Continue although the run may cost more, or although its price is unknown.'),
})
export type Budget = z.output<typeof budgetSchema>
