/** What a person writes to describe an AWS account whose instances are archived: a file for local runs, else a secret. */
import * as z from 'zod'
import { awsAuthSchema, awsEndpointsSchema, ebsSettingsSchema, regionSchema } from '../../contracts/aws-access.ts'
import { siteLimitsSchema } from '../../contracts/limits.ts'
import { siteNameSchema } from '../../contracts/nouns.ts'
import { CLOCK_TOLERANCE_SECONDS, CLOCK_WARNING_SECONDS } from '../../domain/time/clock-offset.ts'

/** One account, in some of its regions. */
export const ec2SiteSchema = z.strictObject({
  provider: z.literal('ec2').describe('The platform: AWS EC2.'),
  name: siteNameSchema
    .optional()
    .describe('What jobs and keys call the site. Where an option or the job names it too, they have to agree.'),
  regions: z
    .array(regionSchema)
    .min(1, 'name at least one region')
    .refine((all) => new Set(all).size === all.length, { error: 'a region is listed twice' })
    .describe('Regions whose instances are archived, as `eu-central-1`.'),
  auth: awsAuthSchema
    .optional()
    .describe(
      "Who we are: a role, or an access key. Without it, the function's own role, or this machine's credentials.",
    ),
  consistency: z
    .literal('crash', {
      error:
        'consistency is crash: all volumes of an instance are of one instant, and hold what a pulled plug would leave. ' +
        'More needs an agent in the guest, which this version does not use',
    })
    .default('crash')
    .describe('How consistent archives are. All volumes of an instance are of one instant.'),
  ebs: ebsSettingsSchema.prefault({}).describe('How fast blocks are read.'),
  endpoints: awsEndpointsSchema.optional().describe('Only for interface endpoints of a VPC with names of their own.'),
  limits: siteLimitsSchema.prefault({}).describe('Bandwidth of this site, over all runs together.'),
  restore: z
    .strictObject({
      auth: awsAuthSchema
        .optional()
        .describe(
          "Who the functions that restore are: a role, or an access key. Without it, the functions' own roles, or this machine's credentials.",
        ),
    })
    .optional()
    .describe('The account that brings disks back. Only the functions that restore read it.'),
  clockToleranceSeconds: z
    .int()
    .min(CLOCK_WARNING_SECONDS)
    .default(CLOCK_TOLERANCE_SECONDS)
    .describe('How far the clocks may be apart, in seconds. Beyond it, guests fail.'),
})
export type Ec2Site = z.infer<typeof ec2SiteSchema>
