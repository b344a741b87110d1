/** Which archives stay: Proxmox's rules with its names and meaning, and the limits that no rule can override. */
import * as z from 'zod'
import { timeZoneSchema } from './nouns.ts'

/** A count; 0 means the same as leaving the rule out, as on Proxmox. */
const keep = z.int().nonnegative().optional()

const keepRules = {
  'keep-all': z.boolean().optional().describe('Keep all archives. No other rule can be combined with it.'),
  'keep-last': keep.describe('Keep this many of the newest archives.'),
  'keep-hourly': keep.describe('Keep the newest archive of each of this many hours that have one.'),
  'keep-daily': keep.describe('Keep the newest archive of each of this many days that have one.'),
  'keep-weekly': keep.describe('Keep the newest archive of each of this many weeks that have one.'),
  'keep-monthly': keep.describe('Keep the newest archive of each of this many months that have one.'),
  'keep-yearly': keep.describe('Keep the newest archive of each of this many years that have one.'),
}

function isUnambiguous({ 'keep-all': all, ...counts }: KeepRules): boolean {
  return !(all === true && Object.values(counts).some((count) => typeof count === 'number' && count > 0))
}
const ambiguous = { error: 'keep-all cannot be combined with other rules' }

/** Rules alone, for one set of archives. Without any positive count all archives stay. */
const keepRulesShape = z.strictObject(keepRules)
export const keepRulesSchema = keepRulesShape.refine(isUnambiguous, ambiguous)
export type KeepRules = z.infer<typeof keepRulesShape>

export const retentionSchema = z
  .strictObject({
    ...keepRules,
    timeZone: timeZoneSchema
      .default('UTC')
      .describe(
        "Where days, weeks, months and years begin, an IANA name. With the site's own zone, the decisions are those of its nodes.",
      ),
    minimumArchives: z
      .int()
      .min(1)
      .default(1)
      .describe('A guest never has fewer archives than this, whatever the rules say.'),
    largestShare: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe("At most this share of a guest's archives is removed at a time, unless a person confirms more."),
    orphans: keepRulesSchema
      .optional()
      .describe('The rules for guests that are gone from the site. Without it, all their archives stay.'),
  })
  .refine(
    ({ timeZone: _zone, minimumArchives: _minimum, largestShare: _share, orphans: _orphans, ...rules }) =>
      isUnambiguous(rules),
    ambiguous,
  )
export type Retention = z.infer<typeof retentionSchema>
