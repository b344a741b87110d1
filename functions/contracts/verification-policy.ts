/** When archives are to be read back whole, and what one reading of what is due may take. */
import * as z from 'zod'
import { siteNameSchema } from './nouns.ts'

const days = z.number().positive().max(3650)

export const verificationPolicySchema = z.strictObject({
  /**
   * Each archive that still exists is read whole at least once within so many days of being made. It is due from three
   * quarters of that on, so that one which retention removes earlier isn't read for nothing.
   */
  archiveWithinDays: days
    .default(90)
    .describe('Each archive is read whole at least once within so many days of being made.'),
  /**
   * The latest successful reading of an archive of each guest is at most so many days old; else the guest's newest one
   * is due, again from three quarters on. A guest of which none was ever read is due at once.
   */
  guestWithinDays: days
    .default(31)
    .describe('The last successful reading of an archive of each guest is at most so many days old.'),
  mostGiBPerRun: z
    .number()
    .positive()
    .default(1024)
    .describe(
      'Limits the bill of one run: what does not fit is left to the next run. Archives that are asked for by name do not count.',
    ),
})
export type VerificationPolicy = z.output<typeof verificationPolicySchema>

/** Archives up to this size are read by a function, in GiB; what is larger needs the larger runner. */
const mostGiBInFunction = z.number().positive()

/**
 * What fits a function of a quarter of an hour with half of its time to spare: it reads up to 75 MiB/s, and fewer where
 * an archive expands much. One that takes longer all the same stops in time and goes to the larger runner.
 */
export const MOST_GIB_IN_FUNCTION = 32

/** What a person or a schedule starts the verification of archives with. */
export const verificationRequestSchema = z.strictObject({
  /** Only archives of this site. */
  site: siteNameSchema.optional(),
  policy: verificationPolicySchema.prefault({}),
  /**
   * On demand: read these now, due or not, refused earlier or not. Keys, folders, any prefix of several, or a guest whose
   * newest whole archive is meant: `hq/vm-100`, `100`, a name.
   */
  archives: z.array(z.string().min(1)).min(1).optional(),
  mostGiBInFunction: mostGiBInFunction
    .default(MOST_GIB_IN_FUNCTION)
    .describe('Larger archives are read by the larger runner.'),
})
export type VerificationRequest = z.output<typeof verificationRequestSchema>

/** Where archives are read that don't fit a function: in a build of AWS CodeBuild, or nowhere. */
export const verificationRunnerSchema = z.enum(['codebuild', 'none'])
export type VerificationRunner = z.output<typeof verificationRunnerSchema>
