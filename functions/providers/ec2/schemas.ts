/** Answers of EC2, as far as they are read: XML elements by name, texts as they are. */
import * as z from 'zod'

/** An empty element is an empty text, and a list of one is no list. */
function list<Item extends z.ZodType>(item: Item) {
  const items = z.preprocess((all) => [all].flat(), z.array(item))
  return z
    .union([z.object({ item: items }), z.literal('').transform(() => ({ item: [] }))])
    .prefault('')
    .transform(({ item: all }) => all as z.output<Item>[])
}

const text = z.string().default('')
const tagSchema = z.object({ key: z.string(), value: text })
const tagsSchema = list(tagSchema).transform((tags) => new Map(tags.map(({ key, value }) => [key, value])))
const nextToken = { nextToken: z.string().optional() }

const blockDeviceSchema = z.object({
  deviceName: z.string(),
  ebs: z.object({ volumeId: z.string(), deleteOnTermination: text }).optional(),
})

export const instanceSchema = z.object({
  instanceId: z.string(),
  instanceState: z.object({ name: z.string() }),
  instanceType: text,
  architecture: text,
  bootMode: text,
  currentInstanceBootMode: text,
  enaSupport: text,
  sriovNetSupport: text,
  tpmSupport: text,
  virtualizationType: text,
  instanceLifecycle: text,
  platform: text,
  platformDetails: text,
  usageOperation: text,
  imageId: text,
  keyName: text,
  subnetId: text,
  vpcId: text,
  outpostArn: text,
  rootDeviceName: text,
  rootDeviceType: text,
  launchTime: text,
  placement: z.object({ availabilityZone: z.string() }),
  productCodes: list(z.object({ productCode: text, type: text })),
  groupSet: list(z.object({ groupId: text, groupName: text })),
  blockDeviceMapping: list(blockDeviceSchema),
  tagSet: tagsSchema,
})
export type Instance = z.output<typeof instanceSchema>

export const instancesSchema = z.object({
  reservationSet: list(z.object({ instancesSet: list(instanceSchema) })),
  ...nextToken,
})

export const instanceTypesSchema = z.object({
  instanceTypeSet: list(z.object({ instanceType: z.string(), instanceStorageSupported: text })),
})

export const volumeSchema = z.object({
  volumeId: z.string(),
  size: z.coerce.number().int().positive(),
  availabilityZone: z.string(),
  snapshotId: text,
  status: text,
  volumeType: text,
  iops: text,
  throughput: text,
  encrypted: text,
  kmsKeyId: text,
  outpostArn: text,
  attachmentSet: list(z.object({ instanceId: text, device: text, status: text, deleteOnTermination: text })),
  tagSet: tagsSchema,
})
export type Volume = z.output<typeof volumeSchema>
export const volumesSchema = z.object({ volumeSet: list(volumeSchema), ...nextToken })

/** The state is `state` just after the snapshot was made, and `status` in lists (tried with the SDK's model). */
export const snapshotSchema = z
  .object({
    snapshotId: z.string(),
    volumeId: z.string(),
    volumeSize: z.coerce.number().int().positive(),
    status: text,
    state: text,
    statusMessage: text,
    startTime: z.iso.datetime(),
    progress: text,
    encrypted: text,
    storageTier: text,
    description: text,
    fullSnapshotSizeInBytes: z.string().optional(),
    tagSet: tagsSchema,
  })
  .transform(({ status, state, ...rest }) => ({ ...rest, state: status === '' ? state : status }))
export type Snapshot = z.output<typeof snapshotSchema>
export const snapshotsSchema = z.object({ snapshotSet: list(snapshotSchema), ...nextToken })

export const callerSchema = z.object({ GetCallerIdentityResult: z.object({ Account: z.string(), Arn: z.string() }) })

export const imageSchema = z.object({
  imageId: z.string(),
  name: text,
  imageState: text,
  architecture: text,
  rootDeviceName: text,
  bootMode: text,
  enaSupport: text,
  sriovNetSupport: text,
  tpmSupport: text,
  blockDeviceMapping: list(
    z.object({
      deviceName: z.string(),
      ebs: z
        .object({ snapshotId: text, volumeSize: z.coerce.number().default(0), volumeType: text, encrypted: text })
        .optional(),
    }),
  ),
})
export type Image = z.output<typeof imageSchema>
export const imagesSchema = z.object({ imagesSet: list(imageSchema), ...nextToken })
