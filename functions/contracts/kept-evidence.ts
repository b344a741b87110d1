/** What a run keeps of a backup until its manifest is written. */
import * as z from 'zod'
import { backupEvidenceSchema, verdictNameSchema } from './evidence.ts'
import { sideFileSchema } from './side-file.ts'

/** What Locate archive leaves in the run's folder for Write manifest. */
export const keptEvidenceSchema = z.strictObject({
  evidence: backupEvidenceSchema,
  /** The job's log, as versions before there were side files kept it. */
  log: z.string().optional(),
  /** What is put beside the archive. Older evidence has none. */
  sideFiles: z.array(sideFileSchema).optional(),
  /** How the backup was judged. Older evidence has none. */
  verdict: verdictNameSchema.optional(),
})
export type KeptEvidence = z.infer<typeof keptEvidenceSchema>
