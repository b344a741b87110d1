/** What is known about an ended backup, in words that fit every platform, and what follows from it. */
import * as z from 'zod'
import { backupModeSchema, compressSchema } from './backup-options.ts'
import { gradeSchema } from './grade.ts'
import { instantSchema, sourceArtifactSchema } from './nouns.ts'

/**
 * How far the platform's clock was off when the backup started. `offsetSeconds` is the platform's time less ours: above
 * zero, its clock is ahead. The true offset lies within `uncertaintySeconds` of it.
 */
export const clockOffsetSchema = z.strictObject({
  offsetSeconds: z.number(),
  uncertaintySeconds: z.number().nonnegative(),
  /** By our clock. */
  measuredAt: instantSchema,
})
export type ClockOffset = z.infer<typeof clockOffsetSchema>

/** What isn't known is absent. */
const usedOptionsSchema = z.strictObject({
  mode: backupModeSchema.optional(),
  compress: compressSchema.optional(),
  storage: z.string().optional(),
  /** The guest wasn't running, so that any mode gives the same: a copy of disks at rest. */
  guestStopped: z.boolean().optional(),
  /** Why another mode was taken than the one asked for, in the platform's words. */
  modeBecause: z.string().optional(),
})
export type UsedOptions = z.infer<typeof usedOptionsSchema>

/** Something that a job left on its node. */
const leftBehindSchema = z.strictObject({
  /** Its address on the platform, or its path on the node. */
  what: z.string(),
  node: z.string(),
  /** The command that removes it, to be run on the node. */
  remove: z.string(),
  /** The platform's address, of an archive that was seen there and is this job's. Of what isn't sure to be there: absent. */
  artifactRef: z.string().optional(),
})
export type LeftBehind = z.infer<typeof leftBehindSchema>

/** A source as the platform shows it after the job. */
export const evidenceSourceSchema = z.strictObject({
  artifact: sourceArtifactSchema,
  /** Size at a second look; differs from the artifact's while something still writes. */
  listedAgainSizeBytes: z.int().nonnegative().optional(),
  /** CRC-32 of its bytes, unsigned, as the platform itself computed it. */
  crc32: z.int().min(0).max(0xff_ff_ff_ff).optional(),
  /** How a person removes it, where a command does. */
  removeWith: z.string().optional(),
})
export type EvidenceSource = z.infer<typeof evidenceSourceSchema>

/**
 * Evidence about one guest's backup, gathered from the ended job, its log and the storage.
 * The provider fills it; `domain/verdict.ts` judges it; the manifest keeps it.
 */
export const backupEvidenceSchema = z.strictObject({
  jobRef: z.string(),
  /** The platform's own time. */
  jobStartedAt: instantSchema,
  /** Of the clock that made `jobStartedAt` and `listed.createdAt`. Older evidence has none. */
  clock: clockOffsetSchema.optional(),
  /** The platform's literal exit status (Proxmox: `OK`, `WARNINGS: 1`, `job errors`, …). */
  exitStatus: z.string(),
  /** How the job ended, read from exit status and log. `unknown`: the platform lost track of its worker. */
  ending: z.enum(['ok', 'warnings', 'errors', 'interrupted', 'unknown']),
  /** Warning lines, at most 20. */
  warnings: z.array(z.string()),
  /** Error lines that belong to the backup (not to notifications), at most 20. */
  errors: z.array(z.string()),
  /** Lines of the log that nothing accounts for, at most 20. Older evidence has none. */
  remarks: z.array(z.string()).optional(),
  /** What the dump really used, as its own log and its archive's name show it: not what was asked for. */
  used: usedOptionsSchema.optional(),
  /** What the backup reached, of a job that ended well. Older evidence has none: then nothing is claimed. */
  grade: gradeSchema.optional(),
  /** The job ended and the guest stays locked: a sentence with the command that frees it. */
  leftLock: z.string().optional(),
  /** What the log says made *this* guest fail, if it says so. */
  guestFailure: z.string().optional(),
  /** The log says that this guest's backup was finished. Absent where the platform keeps no log. */
  guestFinished: z.boolean().optional(),
  /** The log's first and last lines are there (it may be rotated away or cut). Absent where the platform keeps no log. */
  logComplete: z.boolean().optional(),
  /** File name of the archive, from this job's own log. */
  archiveName: z.string().optional(),
  /**
   * Bytes that went into the archive before they were compressed, as this job's own log tells them, to two decimals at
   * worst: a VM's disks without their zeroes, a container's tar. Absent when the log doesn't tell, or too roughly.
   */
  contentBytes: z.int().positive().optional(),
  /** What there is to copy, where that isn't one file that a storage lists (`listed`). */
  sources: z.array(evidenceSourceSchema).min(1).optional(),
  /** The same archive as the storage lists it, looked up twice; `undefined` when it isn't listed. */
  listed: sourceArtifactSchema.optional(),
  /** Size of the second look; differs from `listed.sizeBytes` while something still writes. */
  listedAgainSizeBytes: z.int().nonnegative().optional(),
  /** The command that removes the listed archive, to be run on its node. */
  removeWith: z.string().optional(),
  /** What a job that failed left behind. */
  left: z.array(leftBehindSchema).optional(),
  /** Full notes of the archive on the platform. */
  notes: z.string().optional(),
  /** What the operator can do about a bad ending, in the platform's own words and commands. One sentence. */
  advice: z.string().optional(),
})
export type BackupEvidence = z.infer<typeof backupEvidenceSchema>

/** Names of all verdicts, good ones first. docs/faults.md explains each. */
export const verdictNameSchema = z.enum([
  'archived',
  'archived-with-warnings',
  'backup-failed',
  'job-interrupted',
  'job-lost',
  'log-incomplete',
  'archive-unnamed',
  'archive-missing',
  'archive-older-than-job',
  'archive-still-growing',
  'archive-empty',
  'archive-inconsistent',
])
export type VerdictName = z.infer<typeof verdictNameSchema>

export const verdictSchema = z.strictObject({
  name: verdictNameSchema,
  /** The archive may be moved. */
  good: z.boolean(),
  /** A sentence for the report. */
  reason: z.string(),
  /** What the job requires and the archive lacks, a sentence each; absent when it lacks nothing of that. */
  unmet: z.array(z.string()).min(1).optional(),
})
export type Verdict = z.infer<typeof verdictSchema>
