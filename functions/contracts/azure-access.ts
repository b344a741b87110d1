/** How a subscription of Azure is reached: the part of a site's configuration that provider, readers and writers share. */
import * as z from 'zod'
import { awsAuthSchema, awsEndpointsSchema, regionSchema } from './aws-access.ts'
import { tlsSchema } from './tls.ts'

const guidSchema = z
  .string()
  .regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'an id of Azure is a GUID')
  .transform((text) => text.toLowerCase())

export const tenantIdSchema = guidSchema.describe('Id of the Microsoft Entra tenant.')
export const subscriptionIdSchema = guidSchema.describe('Id of the subscription whose virtual machines are archived.')

/** Azure's clouds (Azure documentation, "Azure Government vs. global Azure", "Azure China developer guide"). */
export const azureCloudSchema = z.enum(['public', 'usgovernment', 'china'])
export type AzureCloud = z.infer<typeof azureCloudSchema>

/** An application's registration, with a secret or with tokens of AWS. */
export const azureAuthSchema = z
  .strictObject({
    clientId: guidSchema.describe("Id of the application's registration."),
    clientSecret: z.string().min(1).optional().describe('A secret of it. Secrets end: `federation` needs none.'),
    federation: z
      .literal('aws')
      .optional()
      .describe('Without a secret: an AWS role asks its account for a token that Entra trusts.'),
    roleArn: awsAuthSchema.shape.roleArn.describe(
      'The AWS role that Entra trusts. Functions assume it, so that the application has one federated credential. Without it, who we are in AWS.',
    ),
    externalId: awsAuthSchema.shape.externalId.describe('External id that the trust policy of the role asks for.'),
    federationRegion: regionSchema
      .optional()
      .describe("Region whose STS gives the token. Without it, the function's own, or `AWS_REGION`."),
  })
  .refine(({ clientSecret, federation }) => (clientSecret === undefined) !== (federation === undefined), {
    error: 'give either clientSecret, or "federation": "aws"',
  })
  .refine(
    ({ federation, federationRegion, roleArn }) =>
      federation !== undefined || (federationRegion === undefined && roleArn === undefined),
    { error: 'federationRegion and roleArn go with "federation": "aws"' },
  )
  .refine(({ roleArn, externalId }) => roleArn !== undefined || externalId === undefined, {
    error: 'externalId goes with roleArn',
  })
export type AzureAuth = z.infer<typeof azureAuthSchema>

const endpointSchema = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).protocol === 'https:', {
    error: 'an endpoint is a URL that starts with https://',
  })
  .transform((text) => new URL(text).origin)

/** Azure has these by its cloud; only what stands in for Azure has others. */
export const azureEndpointsSchema = z.strictObject({
  login: endpointSchema.optional().describe('Where tokens are got, as `https://login.microsoftonline.com`.'),
  management: endpointSchema.optional().describe('Azure Resource Manager, as `https://management.azure.com`.'),
  sts: awsEndpointsSchema.shape.sts.describe('STS of AWS, for `federation`.'),
})

/** Below the ARM's 60 days, and above the longest copy that anyone waits for. */
const LONGEST_SAS_HOURS = 168

export const sasHoursSchema = z
  .int()
  .min(1)
  .max(LONGEST_SAS_HOURS)
  .default(24)
  .describe('How long the address lives that a disk is read by. It is given back when the copy has ended.')

/** What a function that moves bytes needs to know of the site. */
export const azureAccessSchema = z.object({
  tenantId: tenantIdSchema,
  subscriptionId: subscriptionIdSchema,
  cloud: azureCloudSchema.default('public'),
  auth: azureAuthSchema,
  endpoints: azureEndpointsSchema.optional(),
  tls: tlsSchema.default({ mode: 'system' }),
  sasHours: sasHoursSchema,
})
export type AzureAccess = z.infer<typeof azureAccessSchema>

/**
 * The state of a disk at the instant of a restore point or a snapshot: a page blob that never changes. Its address is a
 * secret, which a reader asks for.
 */
export const pageBlobLocationSchema = z.object({
  type: z.literal('page-blob'),
  /** The region, and the zone where the guest has one: `westeurope-1`. */
  node: z.string().min(1),
  /** Resource id of the disk restore point or the snapshot. */
  resourceId: z.string().startsWith('/subscriptions/'),
  /** The disk's name, for people. */
  disk: z.string().min(1),
  /** Of the blob: the disk, and 512 bytes of VHD footer. */
  sizeBytes: z.int().positive(),
  /** Disks with sectors of 4096 bytes come as VHDX, which has no footer. */
  format: z.enum(['vhd', 'vhdx']),
})
export type PageBlobLocation = z.infer<typeof pageBlobLocationSchema>
