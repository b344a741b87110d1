/** What the catalogue tells of each archive, and the index objects that make reading it quick. */
import * as z from 'zod'
import { backupModeSchema, compressSchema } from './backup-options.ts'
import { verdictNameSchema } from './evidence.ts'
import { shortGradeSchema } from './grade.ts'
import { guestIdentitySchema, guestKindSchema, instantSchema, siteNameSchema } from './nouns.ts'
import { lockModeSchema } from './object-lock.ts'
import { lesserLevelSchema } from './proof.ts'
import { entropySchema } from './verification.ts'

/** What an archive is judged by beside its size, where it is known: see `domain/archive-figures.ts`. */
const contentFigures = {
  /** What went into the archive before it was compressed. */
  contentBytes: z.int().positive().optional(),
  entropyBitsPerByte: entropySchema.optional(),
}

/** A file of an archive as its manifest has it. */
export const cataloguedArtifactSchema = z.strictObject({
  key: z.string().min(1),
  fileName: z.string().min(1),
  sizeBytes: z.int().nonnegative(),
  checksum: z.string(),
  versionId: z.string().optional(),
})

/** The part of a manifest that finding, judging, restoring and pruning an archive takes. */
export const manifestFactsSchema = z.strictObject({
  name: z.string(),
  node: z.string(),
  platform: z.string(),
  platformVersion: z.string(),
  createdAt: instantSchema,
  writtenAt: instantSchema,
  writtenBy: z.string(),
  runId: z.string(),
  /** As the manifest has it, else as the configuration in the archive does. */
  identity: guestIdentitySchema.optional(),
  /** What that configuration offers beside an identity: see `domain/configuration-marks.ts`. Absent without one. */
  marks: z.string().optional(),
  /** The platform's clock when the backup started, less ours: what `createdAt` is off by. Absent where nobody measured it. */
  clockOffsetSeconds: z.number().optional(),
  mode: backupModeSchema,
  compress: compressSchema,
  verdict: z.strictObject({
    name: verdictNameSchema,
    reason: z.string(),
    /** It lacks something that its job required: `reason` says what. */
    unmet: z.literal(true).optional(),
  }),
  /** What the backup reached. Absent where the manifest doesn't tell: then nobody knows. */
  grade: shortGradeSchema.optional(),
  warnings: z.int().nonnegative(),
  notes: z.string().optional(),
  tags: z.array(z.string()),
  ...contentFigures,
  artifacts: z.array(cataloguedArtifactSchema).min(1),
  /** By what its objects are proved. Absent: by the CRC-32 that the store computed over each. */
  proof: lesserLevelSchema.optional(),
  /** Until when all its files were locked, as S3 showed when the manifest was written. Absent: some file was not. */
  lock: z.strictObject({ mode: lockModeSchema.optional(), until: instantSchema }).optional(),
  /** No retention removes it, whatever its age. */
  protected: z.literal(true).optional(),
  /**
   * Keys of the small files that belong to it. Absent where the manifest doesn't name them in a form that can be read, or
   * doesn't say whether it is protected: such an archive is never removed.
   */
  sideFiles: z.array(z.string()).optional(),
})
export type ManifestFacts = z.infer<typeof manifestFactsSchema>

/**
 * What `verification.json` beside a manifest says. `not-verified`: it was tried, and couldn't be read to its end.
 * `unreadable`: the file is there, and nobody can tell what it says.
 */
export const verificationFactsSchema = z.strictObject({
  state: z.enum(['verified', 'failed', 'not-verified', 'unreadable']),
  /** When the archive was last read whole, or tried. */
  at: instantSchema.optional(),
  reason: z.string().optional(),
  /** What it found of locks that are missing: a sentence. */
  lockTrouble: z.string().optional(),
  /** Of the configuration that was found in the archive. */
  tags: z.array(z.string()),
  /** Only of archives that were read whole and accepted: of others it isn't known how much they lack. */
  ...contentFigures,
})
export type VerificationFacts = z.infer<typeof verificationFactsSchema>

/** One archive in an index: the facts, and the ETags of the objects that they were read from. */
export const indexedArchiveSchema = z.strictObject({
  /** Name of its folder within the guest's: the archive's time. */
  folder: z.string(),
  manifestEtag: z.string().min(1),
  facts: manifestFactsSchema,
  verificationEtag: z.string().min(1).optional(),
  verification: verificationFactsSchema.optional(),
})
export type IndexedArchive = z.infer<typeof indexedArchiveSchema>

/**
 * `catalogue/<site>/<kind>-<id>.json`: what a guest's manifests said when it was written. A copy, never the truth: a
 * listing with ETags decides entry by entry whether it still holds. `sum` is over `archives` and finds damage. One of
 * another version counts as none and is written anew: version 1 lacks figures that its manifests may well have, version 2
 * lacks whose archive it is and by which clock it is dated, version 3 its grade, version 4 what pruning needs, and nothing
 * in them tells.
 */
export const catalogueIndexSchema = z.strictObject({
  version: z.literal(5),
  site: siteNameSchema,
  guest: z.strictObject({ kind: guestKindSchema, id: z.string().min(1) }),
  sum: z.string(),
  archives: z.array(indexedArchiveSchema),
})
export type CatalogueIndex = z.infer<typeof catalogueIndexSchema>
