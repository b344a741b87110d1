/** What a person writes to describe a subscription of Azure: a file for local runs, the secret's content when deployed. */
import * as z from 'zod'
import {
  azureAuthSchema,
  azureCloudSchema,
  azureEndpointsSchema,
  sasHoursSchema,
  subscriptionIdSchema,
  tenantIdSchema,
} from '../../contracts/azure-access.ts'
import { siteLimitsSchema } from '../../contracts/limits.ts'
import { siteNameSchema } from '../../contracts/nouns.ts'
import { tlsSchema } from '../../contracts/tls.ts'
import { CLOCK_TOLERANCE_SECONDS, CLOCK_WARNING_SECONDS } from '../../domain/time/clock-offset.ts'
import { freezeSchema, wantedConsistencySchema } from './options.ts'

/** Azure documentation, "Naming rules and restrictions for Azure resources". */
const resourceGroupSchema = z
  .string()
  .regex(/^[\w().-]{0,89}[\w()-]$/, 'a resource group has 1 to 90 letters, digits and _-().')

/** One subscription. */
export const azureSiteSchema = z.strictObject({
  provider: z.literal('azure').describe('The platform: Microsoft Azure.'),
  name: siteNameSchema
    .optional()
    .describe('What jobs and keys call the site. Where an option or the job names it too, they have to agree.'),
  tenantId: tenantIdSchema,
  subscriptionId: subscriptionIdSchema,
  cloud: azureCloudSchema.default('public').describe('`public`, or a sovereign cloud: `usgovernment`, `china`.'),
  auth: azureAuthSchema.describe('Who we are: an application with the role of docs/azure.md.'),
  freeze: freezeSchema
    .default('restore-point')
    .describe('How disks are frozen. `restore-point`: all of a guest together. `snapshots`: each by itself.'),
  consistency: wantedConsistencySchema
    .default('application-or-crash')
    .describe(
      'What a restore point asks the guest for. `application`: no archive without; `application-or-crash`: a warning without; `crash`: never asked for.',
    ),
  resourceGroup: resourceGroupSchema
    .default('guestlift')
    .describe('Where restore points and snapshots are made. It has to be there.'),
  sasHours: sasHoursSchema,
  endpoints: azureEndpointsSchema.optional().describe('Only for what stands in for Azure.'),
  tls: tlsSchema
    .default({ mode: 'system' })
    .describe('How Azure proves who it is. Only where something in between has an authority of its own: `ca`.'),
  limits: siteLimitsSchema.prefault({}).describe('Bandwidth of this site, over all runs together.'),
  clockToleranceSeconds: z
    .int()
    .min(CLOCK_WARNING_SECONDS)
    .default(CLOCK_TOLERANCE_SECONDS)
    .describe('How far the clocks may be apart, in seconds. Beyond it, guests fail.'),
})
export type AzureSite = z.infer<typeof azureSiteSchema>
