import * as z from 'zod'
import { instantSchema } from './nouns.ts'
import { localProcessSchema } from './process-identity.ts'

/** `retention/<site>/<kind>-<id>/lease.json`: who removes archives of a guest at this moment. Gone when nobody does. */
export const pruningLeaseSchema = z.strictObject({
  version: z.literal(1),
  /** Names the pruning or the run. Called again, the same one goes on with its own lease. */
  by: z.string().min(1),
  takenAt: instantSchema,
  /** It holds for a while from here, by our clock. */
  renewedAt: instantSchema,
  /** That of a pruning on one machine, so that another there can tell whether it died. Absent in functions' leases. */
  process: localProcessSchema.optional(),
})
export type PruningLease = z.output<typeof pruningLeaseSchema>
