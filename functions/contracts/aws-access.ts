/** How a site of AWS is reached: the part of its configuration that its provider, its readers and its writers share. */
import * as z from 'zod'

/** `eu-central-1`, `us-gov-west-1`. */
export const regionSchema = z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'a region has a name like eu-central-1')

const accessKeySchema = z.strictObject({
  accessKeyId: z
    .string()
    .regex(/^\w{4,128}$/, 'an access key id is a word like AKIA…')
    .describe('Id of an access key.'),
  secretAccessKey: z.string().min(1).describe('Its secret.'),
  sessionToken: z.string().min(1).optional().describe('Token of keys that are good for some hours only.'),
})
export type AccessKey = z.infer<typeof accessKeySchema>

const roleSchema = z.strictObject({
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/, 'a role has an ARN like arn:aws:iam::111122223333:role/backup')
    .describe('The role that is assumed, also one of another account.'),
  externalId: z
    .string()
    .regex(/^[\w+=,.@:/-]{2,1224}$/, 'an external id has 2 to 1224 letters, digits and +=,.@:/-')
    .optional()
    .describe('External id that the trust policy of the role asks for.'),
})

/** Who we are. A union would answer a typing mistake with "invalid input"; one object names the field. */
export const awsAuthSchema = z
  .strictObject({ ...roleSchema.partial().shape, ...accessKeySchema.partial().shape })
  .refine(({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined), {
    error: 'accessKeyId and secretAccessKey go together',
  })
  .refine(({ accessKeyId, sessionToken }) => sessionToken === undefined || accessKeyId !== undefined, {
    error: 'sessionToken goes with accessKeyId and secretAccessKey',
  })
  .refine(({ roleArn, externalId }) => externalId === undefined || roleArn !== undefined, {
    error: 'externalId goes with roleArn',
  })
export type AwsAuth = z.infer<typeof awsAuthSchema>

const endpointSchema = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), { error: 'an endpoint is a URL' })

/** AWS has these; a VPC may have others. `{region}` stands for the region's name. */
export const awsEndpointsSchema = z.strictObject({
  ec2: endpointSchema.optional().describe('Endpoint of EC2, as `https://vpce-1.ec2.{region}.vpce.amazonaws.com`.'),
  ebs: endpointSchema.optional().describe('Endpoint of EBS direct.'),
  sts: endpointSchema.optional().describe('Endpoint of STS.'),
})
export type AwsEndpoints = z.infer<typeof awsEndpointsSchema>

/** The account's 1,000 reads a second are shared with other tools (Service Quotas, "GetSnapshotBlock requests"). */
const DEFAULT_BLOCKS_PER_SECOND = 500

export const ebsSettingsSchema = z.strictObject({
  getBlocksPerSecond: z
    .int()
    .min(1)
    .max(100_000)
    .default(DEFAULT_BLOCKS_PER_SECOND)
    .describe(
      'Blocks of 512 KiB that are read a second, over all runs. An account may read 1,000, which other tools share.',
    ),
})

/** What a function that moves bytes needs to know of a site whose disks are read by EBS direct. */
export const ebsAccessSchema = z.object({
  regions: z.array(regionSchema).min(1),
  auth: awsAuthSchema.optional(),
  endpoints: awsEndpointsSchema.optional(),
  ebs: ebsSettingsSchema.prefault({}),
})
export type EbsAccess = z.infer<typeof ebsAccessSchema>
export type AwsAccess = Pick<EbsAccess, 'regions' | 'auth' | 'endpoints'>

/** A block of EBS direct (API reference, "GetSnapshotBlock"). */
export const EBS_BLOCK_BYTES = 512 * 1024

/** A completed snapshot of an EBS volume, read block by block. It never changes. */
export const ebsSnapshotLocationSchema = z.object({
  type: z.literal('ebs-snapshot'),
  /** The availability zone of the volume. */
  node: z.string().min(1),
  region: regionSchema,
  snapshotId: z.string().regex(/^snap-[0-9a-f]+$/),
  /** The device that the volume is attached as, or the volume's id. */
  device: z.string().min(1),
  volumeId: z.string().min(1),
  /** When the snapshot was begun, by AWS's clock. */
  startedAt: z.iso.datetime(),
  /** Bytes of all blocks that it holds, as EC2 states them. Absent where EC2 says nothing. */
  heldBytes: z.int().nonnegative().optional(),
})
export type EbsSnapshotLocation = z.infer<typeof ebsSnapshotLocationSchema>

/** A snapshot that a restore fills block by block. Settled once: EBS direct compares what a repeated beginning says. */
export const newEbsSnapshotSchema = z.strictObject({
  type: z.literal('ebs-snapshot'),
  region: regionSchema,
  sizeGib: z.int().positive(),
  /** Where it is false, the account's own default for encryption holds. */
  encrypted: z.boolean(),
  /** The account's own key for EBS, where it is encrypted and none is named. */
  kmsKeyArn: z.string().min(1).optional(),
  tags: z.array(z.strictObject({ key: z.string(), value: z.string() })),
})
export type NewEbsSnapshot = z.infer<typeof newEbsSnapshotSchema>
