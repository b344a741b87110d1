/** The words every part of Guestlift shares. Platform words (UPID, volid) never appear here: they travel as opaque refs. */
import * as z from 'zod'
import { diskContentSchema, encodingSchema } from './disk-archive.ts'
import { shownLockSchema } from './object-lock.ts'
import { lesserLevelSchema, proofSchema } from './proof.ts'
import { archivePathSchema } from './side-file.ts'
import { copyWorkSchema } from './work.ts'

/** Name of one configured endpoint of a platform. Part of object keys and of the secret's name, hence the narrow alphabet. */
export const siteNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/, 'a site name has 1 to 63 letters, digits or inner hyphens')

/** An instant as an ISO 8601 string in UTC, for example `2026-11-22T02:00:00.000Z`. */
export const instantSchema = z.iso.datetime()

/** An instant, or a day, which is meant to its end in UTC: the same moment as text in both cases. */
export const dayOrInstantSchema = z
  .union([z.iso.datetime(), z.iso.date().transform((day) => `${day}T23:59:59.999Z`)], {
    error: 'a day as 2026-11-24, or an instant as 2026-11-24T02:00:00Z',
  })
  .describe('A day, or an instant in UTC.')

/** An IANA name, for example `Europe/Vienna`. */
export const timeZoneSchema = z.string().refine(isTimeZone, {
  error: 'not a time zone name that this machine knows, as Europe/Berlin or UTC',
})

/** Those that were asked for before: it takes a millisecond to find out, and each payload has some. */
const knownTimeZones = new Set<string>()

function isTimeZone(name: string): boolean {
  if (knownTimeZones.has(name)) return true
  try {
    if (new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone === '') return false
  } catch {
    return false
  }
  knownTimeZones.add(name)
  return true
}

/** Name of a platform. Which ones there are is known to `providers/registry.ts` alone. */
export const platformSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a platform has a name of small letters, digits and hyphens')
export type Platform = z.infer<typeof platformSchema>

export const guestKindSchema = z.enum(['vm', 'container'])
export type GuestKind = z.infer<typeof guestKindSchema>

/**
 * Who a guest is, beside its id: an id that is given again belongs to another guest. `id` is opaque and survives a
 * rename, a migration and a restore under the same guest id (Proxmox VM: the SMBIOS uuid; container: the hardware
 * address of its first network interface). `witness` is a second fact that only an equal `id` makes worth comparing
 * (Proxmox VM: when the guest was created).
 */
export const guestIdentitySchema = z.strictObject({ id: z.string().min(1), witness: z.string().min(1).optional() })
export type GuestIdentity = z.infer<typeof guestIdentitySchema>

/**
 * The platform's own identifier of a guest as text: a number (`100`), a GUID, or a name such as `i-0abc`. It is part of
 * object keys, hence the narrow alphabet; upper and lower case differ.
 */
export const guestIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'an id has 1 to 128 letters, digits, dots, underscores or hyphens, and starts with a letter or digit',
  )

/** Whose a record is that outlives its archive: what the guest was called then, and who it was. */
export const recordedGuestSchema = z.strictObject({
  kind: guestKindSchema,
  id: z.string().min(1),
  name: z.string(),
  identity: guestIdentitySchema.optional(),
})

/** A guest as found on its platform. `id` is what `guestIdSchema` takes, in records of all versions. */
export const guestSchema = z.strictObject({
  id: z.string().min(1),
  kind: guestKindSchema,
  name: z.string(),
  node: z.string().min(1),
  /** Absent where the platform offers none, the account may not read it, or an older version wrote this. */
  identity: guestIdentitySchema.optional(),
})
export type Guest = z.infer<typeof guestSchema>

/** One execution over many guests. `prefix` is where its plan, outcomes and report lie in the archive bucket. */
export const runSchema = z.strictObject({
  id: z.string().min(1),
  startedAt: instantSchema,
  prefix: z.string().min(1),
  /** How its archives are proved, as its test of the store found. Absent: by full-object CRC-32. */
  proof: lesserLevelSchema.optional(),
})
export type Run = z.infer<typeof runSchema>

/**
 * A file of the site, read over its route. `path` is the file's on the node; `volume` is what the platform calls it
 * within `storage`. The type was not written before there were others.
 */
export const siteFileLocationSchema = z.strictObject({
  type: z.literal('site-file').optional(),
  node: z.string().min(1),
  path: z.string().min(1),
  storage: z.string().min(1),
  volume: z.string().min(1),
})
export type SiteFileLocation = z.infer<typeof siteFileLocationSchema>

/** An object that the platform itself wrote into the archive bucket. */
export const bucketObjectLocationSchema = z.strictObject({
  type: z.literal('bucket-object'),
  node: z.string().min(1),
  key: z.string().min(1),
})
export type BucketObjectLocation = z.infer<typeof bucketObjectLocationSchema>

/**
 * Anything else that a reader knows by its type: the reader's folder has the schema. Never a secret, a signed URL or a
 * token: readers fetch those for one call.
 */
export const otherLocationSchema = z.looseObject({
  type: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .refine((type) => type !== 'site-file' && type !== 'bucket-object'),
  node: z.string().min(1),
})
export type OtherLocation = z.infer<typeof otherLocationSchema>

/** Where a source's bytes are found, by `type`: opaque outside the provider and the reader that understand it. */
export const sourceLocationSchema = z.union([siteFileLocationSchema, bucketObjectLocationSchema, otherLocationSchema])
export type SourceLocation = z.infer<typeof sourceLocationSchema>

/**
 * One source of an archive as it lies on the platform: a file or a disk. `artifactRef` is the platform's address for it
 * (Proxmox: the volid). `createdAt` is the archive's time by the platform's clock, the same for all its sources.
 * `fileName` may hold folders and is unique within the archive. `encoding` says how the object's bytes follow from the
 * source's; absent, they are the same.
 */
export const sourceArtifactSchema = z.strictObject({
  artifactRef: z.string().min(1),
  fileName: archivePathSchema,
  sizeBytes: z.int().nonnegative(),
  createdAt: instantSchema,
  location: sourceLocationSchema,
  encoding: encodingSchema.optional(),
})
export type SourceArtifact = z.infer<typeof sourceArtifactSchema>

/**
 * What makes a source file *this* file: a change of any of these between two reads means the bytes can't be mixed.
 * `modifiedAt` has the resolution of the route (SFTP: one second). `validator` is the server's own mark of a version,
 * where the route has one (HTTP: a strong ETag).
 */
export const sourceIdentitySchema = z.strictObject({
  sizeBytes: z.int().nonnegative(),
  modifiedAt: instantSchema,
  validator: z.string().optional(),
})
export type SourceIdentity = z.infer<typeof sourceIdentitySchema>

/** A whole object's CRC-32 in S3's own form: base64 of the four bytes, big endian. */
export const crc32Schema = z.string().regex(/^[A-Za-z0-9+/]{6}==$/)

/** An artifact that is in the bucket, with what S3 says of it. `sizeBytes` are the object's, not the source's. */
export const storedArtifactSchema = z.strictObject({
  key: z.string().min(1),
  fileName: z.string().min(1),
  sizeBytes: z.int().nonnegative(),
  /** `CRC32:` and the base64 value over the finished object. */
  checksum: z.string().regex(/^CRC32:[A-Za-z0-9+/]{6}==$/),
  /** By what the object is known to have this checksum. Absent: the store itself computed it. */
  proof: proofSchema.optional(),
  versionId: z.string().optional(),
  /** What S3 showed of its lock when the manifest was written. Absent: nothing, or the right to see it lacked. */
  lock: shownLockSchema.optional(),
  partSizeBytes: z.int().positive(),
  partCount: z.int().positive(),
  /** What its bytes stand for, where they aren't those of the source. */
  content: diskContentSchema.optional(),
  /** The source file as it was before and after it was read. */
  source: sourceIdentitySchema,
  /** Bytes this run sent for it; parts that S3 had already are not counted. */
  bytesSent: z.int().nonnegative(),
  /** What it was copied from. Absent where an older version copied it. */
  artifact: sourceArtifactSchema.optional(),
  /** What copying it took this execution. Older archives have none. */
  work: copyWorkSchema.optional(),
})
export type StoredArtifact = z.infer<typeof storedArtifactSchema>
