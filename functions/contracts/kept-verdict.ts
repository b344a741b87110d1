/** What one reading of an archive found, kept by its day: a later reading replaces `verification.json`, and no history. */
import * as z from 'zod'
import { crc32Schema, instantSchema, recordedGuestSchema, siteNameSchema } from './nouns.ts'
import { findingSchema, verificationResultSchema } from './verification.ts'

/** `verifications/<yyyy>/<mm>/<dd>/verdicts/<site>/<kind>-<id>/<archive>/<time>.json`. It outlives its archive. */
export const keptVerdictSchema = z.strictObject({
  version: z.literal(1),
  /** Whole key of the archive's folder, with a slash at its end. */
  folder: z.string().min(1),
  site: siteNameSchema,
  guest: recordedGuestSchema,
  createdAt: instantSchema,
  verifiedAt: instantSchema,
  /** `guestlift/<version>` that read it. */
  tool: z.string(),
  result: verificationResultSchema,
  /** The first of what was found. */
  findings: z.array(findingSchema),
  /** As far as each was read, with the CRC-32 over those bytes; and the checksum that the manifest has for it. */
  files: z.array(
    z.strictObject({
      fileName: z.string(),
      sizeBytes: z.int().nonnegative(),
      crc32: crc32Schema,
      manifestChecksum: z.string().optional(),
    }),
  ),
})
export type KeptVerdict = z.output<typeof keptVerdictSchema>
