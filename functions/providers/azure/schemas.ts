/** Azure's answers, as far as they are read. Ids come back in changing case, and what isn't needed stays unread. */
import * as z from 'zod'

const tagsSchema = z
  .record(z.string(), z.string())
  .nullish()
  .transform((tags) => tags ?? {})
const idSchema = z.object({ id: z.string().min(1) })

const managedDiskSchema = z.object({
  id: z.string().optional(),
  storageAccountType: z.string().optional(),
  diskEncryptionSet: idSchema.optional(),
})

const diskShape = {
  name: z.string().min(1),
  diskSizeGB: z.number().optional(),
  caching: z.string().optional(),
  managedDisk: managedDiskSchema.nullish(),
  /** Of an unmanaged disk. */
  vhd: z.object({ uri: z.string() }).nullish(),
  /** In a restore point alone. */
  diskRestorePoint: idSchema.nullish(),
}

export const storageProfileSchema = z.object({
  osDisk: z
    .object({
      ...diskShape,
      osType: z.string().optional(),
      encryptionSettings: z.object({ enabled: z.boolean().optional() }).nullish(),
      diffDiskSettings: z.object({ option: z.string().optional() }).nullish(),
    })
    .nullish(),
  dataDisks: z
    .array(z.object({ ...diskShape, lun: z.number() }))
    .nullish()
    .transform((disks) => disks ?? []),
})
export type StorageProfile = z.infer<typeof storageProfileSchema>

const statusSchema = z.object({
  code: z.string(),
  displayStatus: z.string().optional(),
  message: z.string().optional(),
})

export const machineSchema = z.looseObject({
  id: z.string().startsWith('/'),
  name: z.string().min(1),
  location: z.string().min(1),
  zones: z.array(z.string()).nullish(),
  tags: tagsSchema,
  properties: z.looseObject({
    vmId: z.string().min(1),
    provisioningState: z.string().optional(),
    hardwareProfile: z.looseObject({ vmSize: z.string().optional() }).optional(),
    storageProfile: storageProfileSchema.optional(),
    instanceView: z.object({ statuses: z.array(statusSchema).optional() }).optional(),
  }),
})
export type Machine = z.infer<typeof machineSchema>

/** The narrower list with power states (`statusOnly=true`). */
export const machineStatusSchema = z.object({
  id: z.string().startsWith('/'),
  properties: z
    .object({ instanceView: z.object({ statuses: z.array(statusSchema).optional() }).optional() })
    .optional(),
})
export type MachineStatus = z.infer<typeof machineStatusSchema>

export const diskSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  sku: z.object({ name: z.string().optional() }).nullish(),
  properties: z.looseObject({
    diskSizeBytes: z.number().optional(),
    diskSizeGB: z.number().optional(),
    networkAccessPolicy: z.string().optional(),
    publicNetworkAccess: z.string().optional(),
    maxShares: z.number().optional(),
    creationData: z.looseObject({ logicalSectorSize: z.number().optional() }).optional(),
    encryptionSettingsCollection: z.object({ enabled: z.boolean().optional() }).nullish(),
    dataAccessAuthMode: z.string().optional(),
  }),
})
export type Disk = z.infer<typeof diskSchema>

export const restorePointSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  properties: z.looseObject({
    provisioningState: z.string().optional(),
    consistencyMode: z.string().optional(),
    timeCreated: z.string().optional(),
    excludeDisks: z.array(idSchema).nullish(),
    sourceMetadata: z.looseObject({ storageProfile: storageProfileSchema.optional() }).optional(),
    instanceView: z
      .looseObject({
        diskRestorePoints: z
          .array(z.looseObject({ id: z.string(), snapshotAccessState: z.string().optional() }))
          .optional(),
        statuses: z.array(statusSchema).optional(),
      })
      .optional(),
  }),
})
export type RestorePoint = z.infer<typeof restorePointSchema>

export const collectionSchema = z.object({
  id: z.string(),
  name: z.string(),
  location: z.string().optional(),
  tags: tagsSchema,
  properties: z.object({
    source: z.object({ id: z.string().optional() }).nullish(),
    provisioningState: z.string().optional(),
    restorePoints: z
      .array(restorePointSchema)
      .nullish()
      .transform((points) => points ?? []),
  }),
})
export type Collection = z.infer<typeof collectionSchema>

/** Of a disk restore point and of a snapshot. */
const frozenShape = {
  completionPercent: z.number().optional(),
  networkAccessPolicy: z.string().optional(),
  publicNetworkAccess: z.string().optional(),
  timeCreated: z.string().optional(),
}

export const diskRestorePointSchema = z.looseObject({
  id: z.string(),
  properties: z.looseObject({ ...frozenShape, logicalSectorSize: z.number().optional() }),
})

export const snapshotSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  location: z.string().optional(),
  tags: tagsSchema,
  properties: z.looseObject({
    ...frozenShape,
    provisioningState: z.string().optional(),
    diskState: z.string().optional(),
    creationData: z
      .looseObject({ sourceResourceId: z.string().optional(), logicalSectorSize: z.number().optional() })
      .optional(),
  }),
})
export type Snapshot = z.infer<typeof snapshotSchema>

export const permissionSchema = z.object({
  actions: z.array(z.string()).default([]),
  notActions: z.array(z.string()).default([]),
})
export type Permission = z.infer<typeof permissionSchema>
