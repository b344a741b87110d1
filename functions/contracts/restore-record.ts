/** What a restore keeps in the bucket while it is under way. */
import * as z from 'zod'
import { newEbsSnapshotSchema } from './aws-access.ts'
import { drillCheckSchema } from './drill.ts'
import { stateErrorSchema } from './execution.ts'
import { guestIdSchema, guestSchema, instantSchema, platformSchema, siteNameSchema } from './nouns.ts'
import { localProcessSchema } from './process-identity.ts'
import { configurationComparisonSchema, restoreFindingSchema } from './restore.ts'
import { restoreRequestSchema } from './restore-request.ts'
import { newDatastoreDiskSchema } from './vsphere-access.ts'

/** Names a restore: all else is in its record, whose place follows from this. */
export const restoreRefSchema = z.strictObject({ id: z.string().min(1), startedAt: instantSchema })
export type RestoreRef = z.output<typeof restoreRefSchema>

/** One of an archive's whole disks: the object, and what it stands for. */
export const archivedDiskSchema = z.strictObject({
  fileName: z.string().min(1),
  key: z.string().min(1),
  etag: z.string().min(1),
  /** The object's. */
  sizeBytes: z.int().nonnegative(),
  /** Over the object, unsigned. */
  crc32: z.int().nonnegative(),
  /** The disk that it holds: its size, its sum, and how many parts it is brought in. */
  disk: z.strictObject({
    sizeBytes: z.int().positive(),
    crc32: z.int().nonnegative(),
    /** What was ever written of it. */
    writtenBytes: z.int().nonnegative(),
    parts: z.int().positive(),
    /** Most written bytes of a part. */
    partBytes: z.int().nonnegative(),
  }),
})
export type ArchivedDisk = z.output<typeof archivedDiskSchema>

/** The archive's file as it was chosen: exactly this object is restored, by its ETag. */
export const restoredArchiveSchema = z.strictObject({
  /** With a slash at its end. */
  folder: z.string().min(1),
  site: siteNameSchema,
  platform: platformSchema,
  platformVersion: z.string(),
  guest: guestSchema,
  createdAt: instantSchema,
  fileName: z.string().min(1),
  key: z.string().min(1),
  etag: z.string().min(1),
  sizeBytes: z.int().nonnegative(),
  /** Over the whole file, unsigned. */
  crc32: z.int().nonnegative(),
  /** Its store computes no CRC-32: what becomes of its disks there is proved by reading it back. */
  withoutCrc: z.literal(true).optional(),
  /** Of an archive of whole disks, all of them. The file above is the first one's. */
  disks: z.array(archivedDiskSchema).min(1).optional(),
})
export type RestoredArchive = z.output<typeof restoredArchiveSchema>

/** Where the file is put for the platform to read. `fileName` bears the restore's token, so it is nobody else's. */
export const deliveryPlaceSchema = z.strictObject({
  node: z.string().min(1),
  storage: z.string().min(1),
  folder: z.string().min(1),
  fileName: z.string().min(1),
  artifactRef: z.string().min(1),
  /** Whether the platform finds a wrong byte of it by the file's own checksum. */
  provesItself: z.boolean().optional(),
})
export type DeliveryPlace = z.output<typeof deliveryPlaceSchema>

/**
 * A disk of a guest that comes by import: taken out of the archive into an object, then fetched by the platform. Each field
 * after `key` is written once its step has come so far.
 */
export const importedDiskSchema = z.strictObject({
  /** As the guest's configuration calls it. */
  disk: z.string().min(1),
  /** As the archive calls it. */
  device: z.string().min(1),
  /** On the platform's storage. Bears the restore's token. */
  fileName: z.string().min(1),
  /** What the platform calls the file. */
  ref: z.string().min(1),
  /** The object that the disk becomes. */
  key: z.string().min(1),
  uploadId: z.string().optional(),
  /** The object, once it is whole: S3 compared its CRC-32, where it computes one. */
  image: z
    .strictObject({
      etag: z.string().min(1),
      sizeBytes: z.int().nonnegative(),
      crc32: z.int().nonnegative(),
    })
    .optional(),
  /** Over the object as it was read back, lower-case hexadecimal: what the platform compares. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Before the platform is asked to fetch it. */
  askedAt: instantSchema.optional(),
  jobRef: z.string().optional(),
  /** How often fetching failed. */
  failures: z.int().nonnegative().optional(),
  fetchedAt: instantSchema.optional(),
})
export type ImportedDisk = z.output<typeof importedDiskSchema>

/** A disk that the platform is given block by block, or as one file. Each field after `target` is written once its step has come so far. */
export const newDiskSchema = z.strictObject({
  /** Of the archive's disk. */
  fileName: z.string().min(1),
  target: z.discriminatedUnion('type', [newEbsSnapshotSchema, newDatastoreDiskSchema]),
  /** What the platform calls it. Before it is known, the restore's token finds it. */
  ref: z.string().min(1).optional(),
  /** All of it was brought, and the platform compared the sum over it. */
  sealedAt: instantSchema.optional(),
})
export type NewDisk = z.output<typeof newDiskSchema>

/** What was made of the disks, for a person to run or attach. A guest is known by its id. */
export const madeOfDisksSchema = z.strictObject({
  what: z.enum(['image', 'volume', 'guest']),
  ref: z.string().min(1),
  /** Of a volume: the archive's disk. */
  fileName: z.string().min(1).optional(),
})
export type MadeOfDisks = z.output<typeof madeOfDisksSchema>

/** The steps of a restore, with when each ended, by our clock. */
export const restoreStepsSchema = z.strictObject({
  checkedAt: instantSchema.optional(),
  /** When S3 was first asked to thaw. */
  thawBegunAt: instantSchema.optional(),
  thawedAt: instantSchema.optional(),
  unpackedAt: instantSchema.optional(),
  deliveryBegunAt: instantSchema.optional(),
  deliveredAt: instantSchema.optional(),
  createdAt: instantSchema.optional(),
  comparedAt: instantSchema.optional(),
  /** When the last probe of a drill was done. */
  probedAt: instantSchema.optional(),
})

/**
 * `restores/<yyyy>/<mm>/<dd>/<id>/restore.json`: what a restore is to do and how far it is. Its tasks go by it, and so does
 * whoever cleans up after it: everything that is made is written down before it is made.
 */
export const restoreRecordSchema = z.strictObject({
  version: z.literal(1),
  restoreId: z.string().min(1),
  startedAt: instantSchema,
  request: restoreRequestSchema,
  archive: restoredArchiveSchema,
  /** Lower-case letters and digits; marks the file on the node and the guest. */
  token: z.string().regex(/^[a-z0-9]{8,64}$/),
  /** Resolved: the request's, or the archive's own. */
  target: z.strictObject({ id: guestIdSchema, node: z.string().min(1) }),
  /** The guest that is to be replaced, as it was when it was checked. */
  replaces: guestSchema.optional(),
  /** S3's word, once the target was checked. */
  storageClass: z.string().optional(),
  place: deliveryPlaceSchema.optional(),
  /** What a guest that comes by import is made of; absent where the archive's file is delivered. */
  disks: z.array(importedDiskSchema).optional(),
  /** What the archive's whole disks become; absent where a file is delivered. */
  newDisks: z.array(newDiskSchema).optional(),
  made: z.array(madeOfDisksSchema).optional(),
  /** Counts how often the file was begun anew since it had vanished: what was proved before says nothing of it. */
  generation: z.int().nonnegative().default(0),
  /** Before the platform is asked to make the guest. */
  askedAt: instantSchema.optional(),
  jobRef: z.string().optional(),
  findings: z.array(restoreFindingSchema),
  /** Of the platform's task, and other remarks: sentences. */
  warnings: z.array(z.string()),
  comparison: configurationComparisonSchema.optional(),
  storages: z.array(z.string()).optional(),
  /** Whether it was seen to run, and its agent to answer, where it was to be started. */
  started: z.strictObject({ running: z.boolean(), agent: z.boolean().optional() }).optional(),
  /** What a drill's probes have seen. */
  probes: z.array(drillCheckSchema).optional(),
  /** Whether the guest was seen to be a template, where it was to become one. */
  isTemplate: z.boolean().optional(),
  bytesSent: z.int().nonnegative().default(0),
  steps: restoreStepsSchema,
  /** Its end, and what it failed with: whoever finishes it once more reports the same. */
  ended: z.strictObject({ at: instantSchema, error: stateErrorSchema.nullable() }).optional(),
})
export type RestoreRecord = z.output<typeof restoreRecordSchema>

/** A restore that has, or had, an id of a site. */
const leaseHolderSchema = z.strictObject({
  restoreId: z.string().min(1),
  startedAt: instantSchema,
  execution: z.string().min(1),
})

/**
 * `restores/open/<site>/<id>.json`: which restore has the id of a site at this moment. Gone when none has; one whose restore
 * died lapses, and the sweep cleans up by it.
 */
export const restoreLeaseSchema = z.strictObject({
  version: z.literal(1),
  ...leaseHolderSchema.shape,
  /** It lapses then, by our clock, unless it is renewed. */
  until: instantSchema,
  /** That of a restore on one machine. Absent in functions' leases. */
  process: localProcessSchema.optional(),
  /** Whose leases had lapsed when this one took the id, the latest last: the sweep cleans up after them next. */
  earlier: z.array(leaseHolderSchema).optional(),
})
export type RestoreLease = z.output<typeof restoreLeaseSchema>
