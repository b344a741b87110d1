/** What reading an archive whole found: the words of `guestlift verify` and of `verification.json` beside a manifest. */
import * as z from 'zod'
import { shownLockSchema } from './object-lock.ts'
import { crc32Schema, guestKindSchema, instantSchema } from './nouns.ts'

/**
 * One thing that a restore would stumble over. `offset` counts bytes from the start of the file as it lies in the store
 * (`of: 'file'`) or of what the decompressor makes of it (`of: 'content'`).
 */
export const findingSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  of: z.enum(['file', 'content']).optional(),
  offset: z.int().nonnegative().optional(),
})
export type Finding = z.infer<typeof findingSchema>

/**
 * Code of the finding that a file is of a format that nobody here can look into. It says nothing against the file: where
 * its bytes are those that were archived, it is proved all the same.
 */
export const NOT_INSPECTED = 'not-inspected'

export const compressionSchema = z.enum(['none', 'zstd', 'gzip', 'lzo'])
export type Compression = z.infer<typeof compressionSchema>

export const archiveFormatSchema = z.enum(['vma', 'tar'])
export type ArchiveFormat = z.infer<typeof archiveFormatSchema>

/** The guest's configuration as the archive holds it: what a restore starts from. */
export const embeddedConfigurationSchema = z.strictObject({ name: z.string(), text: z.string() })
export type EmbeddedConfiguration = z.infer<typeof embeddedConfigurationSchema>

/** Bits per byte. */
export const entropySchema = z.number().min(0).max(8)

/** What a few ranges of an uncompressed archive showed when its manifest was written. */
export const contentSampleSchema = z.strictObject({
  /** How random the content looks, 0 to 8 (`domain/entropy.ts`). */
  entropyBitsPerByte: entropySchema,
  /** Bytes that were looked at, all-zero blocks not counted. */
  sampledBytes: z.int().positive(),
})
export type ContentSample = z.infer<typeof contentSampleSchema>

export const deviceEvidenceSchema = z.strictObject({
  name: z.string(),
  sizeBytes: z.int().nonnegative(),
  /** Clusters of 64 KiB that were found, and those that the disk's size asks for. */
  clustersFound: z.int().nonnegative(),
  clustersExpected: z.int().nonnegative(),
  /** Bytes that the archive holds for it; the rest is zero. */
  storedBytes: z.int().nonnegative(),
})
export type DeviceEvidence = z.infer<typeof deviceEvidenceSchema>

/** Of the disk in a file: what its frames held together. */
export const diskEvidenceSchema = z.strictObject({
  /** Of data and of holes. */
  frames: z.int().nonnegative(),
  /** Frames that only fill up a part. */
  pads: z.int().nonnegative(),
  /** Over the whole disk, in S3's own form. */
  crc32: crc32Schema,
})

/** Of one file: what it is and how much of it was read. A field is absent where reading didn't get that far. */
export const archiveEvidenceSchema = z.strictObject({
  fileName: z.string(),
  /** Bytes read of the file and the CRC-32 over all of them, in S3's own form. */
  sizeBytes: z.int().nonnegative(),
  crc32: crc32Schema,
  compression: compressionSchema.optional(),
  format: archiveFormatSchema.optional(),
  /** Bytes that decompressing gave. */
  contentBytes: z.int().nonnegative(),
  /** How random the content looks, 0 to 8 (`domain/entropy.ts`): a sample of it. Absent where all of it is zero, or too little. */
  entropyBitsPerByte: entropySchema.optional(),
  guest: z.strictObject({ kind: guestKindSchema, id: z.string() }).optional(),
  configuration: embeddedConfigurationSchema.optional(),
  devices: z.array(deviceEvidenceSchema).optional(),
  /** Members of a container's tar, and the bytes of their content. */
  members: z.int().nonnegative().optional(),
  memberBytes: z.int().nonnegative().optional(),
  /** Of a whole disk; `contentBytes` is its size. */
  disk: diskEvidenceSchema.optional(),
})
export type ArchiveEvidence = z.infer<typeof archiveEvidenceSchema>

/**
 * The verdict on one archive. `accepted`: read whole, and nothing found that the restore tool would refuse.
 * `refused`: the findings say why. `not-verified`: it could not be read, which says nothing about the archive.
 */
export const verificationResultSchema = z.enum(['accepted', 'refused', 'not-verified'])
export type VerificationResult = z.infer<typeof verificationResultSchema>

/** `verification.json`: the last reading of an archive, beside its manifest. Version 1; parsed on read. */
export const verificationSchema = z.strictObject({
  version: z.literal(1),
  verifiedAt: instantSchema,
  /** `guestlift/<version>` that read it. */
  tool: z.string(),
  result: verificationResultSchema,
  findings: z.array(findingSchema),
  /** What was seen and is no fault, and what a reading like this can't see. */
  notes: z.array(z.string()),
  evidence: z.array(archiveEvidenceSchema),
  /** What S3 showed of the locks of files that have one. Absent: none had, or the right to see it lacked. */
  locks: z.array(shownLockSchema.extend({ fileName: z.string() })).optional(),
  /** A file has less than the lock that it is to have: a sentence. It says nothing against the bytes. */
  lockTrouble: z.string().optional(),
  /** A later try that could not read the archive to its end: it says nothing against the verdict above. */
  attempt: z.strictObject({ at: instantSchema, reason: z.string() }).optional(),
})
export type Verification = z.infer<typeof verificationSchema>
