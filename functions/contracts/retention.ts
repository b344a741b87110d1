/** Which archives stay: Proxmox's rules with its names and meaning, and the limits that no rule can override. */
import * as z from 'zod'
import { timeZoneSchema } from './nouns.ts'

/** A count; 0 means the same as leaving the rule out, as on Proxmox. */
const keep = z.int().nonnegative().optional()

const keepRules = {
  'keep-all': z.boolean().optional(),
  'keep-last': keep,
  'keep-hourly': keep,
  'keep-daily': keep,
  'keep-weekly': keep,
  'keep-monthly': keep,
  'keep-yearly': keep,
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
    /** Where days, weeks, months and years begin. The site's own zone makes the same decisions as its nodes would. */
    timeZone: timeZoneSchema.default('UTC'),
    /** A guest never has fewer archives than this, whatever the rules say. */
    minimumArchives: z.int().min(1).default(1),
    /** At most this share of a guest's archives goes in one run, unless a person confirms more. Above 0, up to 1. */
    largestShare: z.number().gt(0).max(1).default(0.5),
    /** The rules for guests that are gone from the site. Absent: all their archives stay. */
    orphans: keepRulesSchema.optional(),
  })
  .refine(
    ({ timeZone: _zone, minimumArchives: _minimum, largestShare: _share, orphans: _orphans, ...rules }) =>
      isUnambiguous(rules),
    ambiguous,
  )
export type Retention = z.infer<typeof retentionSchema>
