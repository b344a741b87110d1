/** Reads manifests and verifications as people may have left them: what can't be read is told, never thrown. */
import * as z from 'zod'
import { backupModeSchema, compressSchema } from '../../contracts/backup-options.ts'
import { cataloguedArtifactSchema, type ManifestFacts, type VerificationFacts } from '../../contracts/catalogue.ts'
import { diskContentSchema } from '../../contracts/disk-archive.ts'
import { verdictSchema } from '../../contracts/evidence.ts'
import { gradeSchema } from '../../contracts/grade.ts'
import { manifestSchema } from '../../contracts/manifest.ts'
import { guestIdentitySchema, guestSchema, instantSchema } from '../../contracts/nouns.ts'
import { shownLockSchema } from '../../contracts/object-lock.ts'
import { levelOf, proofLevelSchema } from '../../contracts/proof.ts'
import { archiveEvidenceSchema, contentSampleSchema, verificationResultSchema } from '../../contracts/verification.ts'
import type { ArchiveFiles } from './catalogue.ts'
import { marksIn } from './configuration-marks.ts'
import { identityIn } from '../identity/embedded-identity.ts'
import { shortGrade } from '../backup/grade.ts'
import { wholeLock } from '../transfer/object-lock.ts'
import { newerAdvice, readText } from '../books/stored-record.ts'
import { tolerant } from '../books/tolerant-schema.ts'

/**
 * A manifest as far as the catalogue needs it. Tolerant where `manifestSchema` is strict: an archive must not vanish
 * from sight because another version wrote one field more, or took options that this one doesn't know.
 */
const { shape } = manifestSchema
const readManifestSchema = z.object({
  version: shape.version,
  writtenBy: shape.writtenBy,
  writtenAt: shape.writtenAt,
  runId: shape.runId,
  site: shape.site,
  platform: z.string(),
  platformVersion: shape.platformVersion,
  guest: z.object({
    ...guestSchema.shape,
    identity: z.object(guestIdentitySchema.shape).optional().catch(undefined),
  }),
  createdAt: shape.createdAt,
  backup: z.object({ mode: backupModeSchema, compress: compressSchema, protected: z.unknown().optional() }),
  verdict: z.object(verdictSchema.shape),
  evidence: z.object({
    notes: z.string().optional(),
    warnings: z.array(z.string()),
    used: z
      .object({
        mode: backupModeSchema.optional().catch(undefined),
        compress: compressSchema.optional().catch(undefined),
      })
      .optional()
      .catch(undefined),
    contentBytes: shape.evidence.shape.contentBytes.catch(undefined),
    clock: z.object({ offsetSeconds: z.number() }).optional().catch(undefined),
    // One that can't be read is none: nothing is claimed.
    grade: tolerant(gradeSchema, 'left-out').optional().catch(undefined),
  }),
  configuration: z.unknown().optional(),
  contentSample: z
    .object({ entropyBitsPerByte: contentSampleSchema.shape.entropyBitsPerByte })
    .optional()
    .catch(undefined),
  artifacts: z
    .array(
      z.object({
        ...cataloguedArtifactSchema.shape,
        content: z.object({ allocatedBytes: diskContentSchema.shape.allocatedBytes }).optional().catch(undefined),
        proof: z.object({ level: proofLevelSchema }).optional().catch(undefined),
        lock: z.object(shownLockSchema.shape).optional().catch(undefined),
      }),
    )
    .min(1),
  sideFiles: z.unknown().optional(),
})

/** What removing an archive takes beside the facts. Read by itself: without it an archive can be restored all the same. */
const removableSchema = z.object({ protected: z.boolean().optional(), sideFiles: z.array(z.string()) })

/** What a manifest's text says of the archive in whose folder it lies; or why it can't be believed, a sentence. */
export function readManifestFacts(
  text: string,
  archive: Pick<ArchiveFiles, 'site' | 'guest' | 'keyedAt'>,
): ManifestFacts | { unreadable: string } {
  const found = readText({ schema: readManifestSchema, version: 1 }, text)
  if ('newerVersion' in found) return { unreadable: `The manifest can't be read. ${newerAdvice(found)}` }
  if ('unreadable' in found) return { unreadable: `The manifest can't be read: ${found.unreadable}.` }
  const { site, guest, createdAt, backup, verdict, evidence, configuration, contentSample, ...manifest } = found.value
  const ours = site === archive.site && guest.id === archive.guest.id && guest.kind === archive.guest.kind
  if (!ours || wholeSeconds(createdAt) !== wholeSeconds(archive.keyedAt)) {
    return {
      unreadable: `The manifest is another archive's: of ${site}, ${guest.kind} ${guest.id}, at ${createdAt}.`,
    }
  }
  const embedded = textIn(configuration)
  const embeddedIdentity = embedded === undefined ? undefined : identityIn(guest.kind, embedded)
  const identity = guest.identity ?? embeddedIdentity
  const contentBytes = evidence.contentBytes ?? writtenBytesOf(manifest.artifacts)
  const proof = levelOf(manifest.artifacts.map((artifact) => artifact.proof?.level))
  const lock = wholeLock(manifest.artifacts.map((artifact) => artifact.lock))
  const removable = removableSchema.safeParse({ protected: backup.protected, sideFiles: manifest.sideFiles }).data
  return {
    name: guest.name,
    node: guest.node,
    platform: manifest.platform,
    platformVersion: manifest.platformVersion,
    createdAt,
    writtenAt: manifest.writtenAt,
    writtenBy: manifest.writtenBy,
    runId: manifest.runId,
    // What the dump really used, where it was recorded.
    mode: evidence.used?.mode ?? backup.mode,
    compress: evidence.used?.compress ?? backup.compress,
    ...(identity === undefined ? {} : { identity }),
    ...(embedded === undefined ? {} : { marks: marksIn(embedded) }),
    ...(evidence.clock === undefined ? {} : { clockOffsetSeconds: evidence.clock.offsetSeconds }),
    verdict: {
      name: verdict.name,
      reason: verdict.reason,
      ...(verdict.unmet === undefined ? {} : { unmet: true as const }),
    },
    ...(evidence.grade === undefined ? {} : { grade: shortGrade(evidence.grade) }),
    warnings: evidence.warnings.length,
    ...(evidence.notes === undefined ? {} : { notes: evidence.notes }),
    tags: tagsIn(configuration),
    ...(contentBytes === undefined ? {} : { contentBytes }),
    ...(contentSample === undefined ? {} : { entropyBitsPerByte: contentSample.entropyBitsPerByte }),
    artifacts: manifest.artifacts.map(({ key, fileName, sizeBytes, checksum, versionId }) => ({
      key,
      fileName,
      sizeBytes,
      checksum,
      ...(versionId === undefined ? {} : { versionId }),
    })),
    ...(proof === 'full-object-crc' ? {} : { proof }),
    ...(lock === undefined ? {} : { lock }),
    ...(removable?.protected === true ? { protected: true as const } : {}),
    ...(removable === undefined ? {} : { sideFiles: removable.sideFiles }),
  }
}

/** What was written of the disks, where all of an archive is disks in an encoding that says so. */
function writtenBytesOf(
  artifacts: readonly { content?: { allocatedBytes: number } | undefined }[],
): number | undefined {
  const bytes = artifacts.reduce((sum, { content }) => sum + (content?.allocatedBytes ?? Number.NaN), 0)
  return bytes > 0 ? bytes : undefined
}

function wholeSeconds(instant: string): number {
  return Math.floor(new Date(instant).getTime() / 1000)
}

/** The guest's configuration in an archive, of whatever shape the manifest has it: a text, or an object around one. */
function textIn(configuration: unknown): string | undefined {
  if (typeof configuration === 'string') return configuration
  const { success, data } = z.object({ text: z.string() }).safeParse(configuration)
  return success ? data.text : undefined
}

/** Tags of a guest's configuration: the line `tags: a;b` of a text, or of the first text in an object. */
export function tagsIn(configuration: unknown): string[] {
  const texts =
    typeof configuration === 'object' && configuration !== null ? Object.values(configuration) : [configuration]
  const line = texts
    .filter((text) => typeof text === 'string')
    // What follows the first section is of snapshots, whose tags are older ones.
    .map((text) => /^tags: *(.*)$/m.exec(text.split(/^\[/m)[0] ?? ''))
    .find((match) => match !== null)
  return (line?.[1] ?? '').split(/[;, ]+/).filter((tag) => tag !== '')
}

const readVerificationSchema = z.object({
  verifiedAt: instantSchema,
  result: verificationResultSchema,
  findings: z.array(z.object({ message: z.string() })),
  notes: z.array(z.string()),
  lockTrouble: z.string().optional().catch(undefined),
  evidence: z.array(
    z.object({
      configuration: z.object({ text: z.string() }).optional(),
      contentBytes: z.number().optional().catch(undefined),
      entropyBitsPerByte: archiveEvidenceSchema.shape.entropyBitsPerByte.catch(undefined),
    }),
  ),
})

const STATES = { accepted: 'verified', refused: 'failed', 'not-verified': 'not-verified' } as const

/** What a verification's text says. */
export function readVerification(text: string): VerificationFacts {
  const found = readText({ schema: readVerificationSchema, version: 1 }, text)
  if (!('value' in found)) {
    const why = 'newerVersion' in found ? `. ${newerAdvice(found)}` : `: ${found.unreadable}.`
    return { state: 'unreadable', reason: `The verification can't be read${why}`, tags: [] }
  }
  const { verifiedAt, result, findings, notes, evidence, lockTrouble } = found.value
  const reason = result === 'accepted' ? undefined : (findings[0]?.message ?? notes[0])
  return {
    state: STATES[result],
    at: verifiedAt,
    ...(reason === undefined ? {} : { reason }),
    ...(lockTrouble === undefined ? {} : { lockTrouble }),
    tags: evidence.flatMap(({ configuration }) => tagsIn(configuration?.text)),
    ...(result === 'accepted' ? contentFiguresOf(evidence) : {}),
  }
}

/** Of all files together: entropy by how much content each has. */
function contentFiguresOf(
  files: readonly { contentBytes?: number | undefined; entropyBitsPerByte?: number | undefined }[],
): Pick<VerificationFacts, 'contentBytes' | 'entropyBitsPerByte'> {
  const contentBytes = files.reduce((sum, file) => sum + (file.contentBytes ?? Number.NaN), 0)
  if (!Number.isSafeInteger(contentBytes) || contentBytes <= 0) return {}
  const bits = files.reduce((sum, file) => sum + (file.entropyBitsPerByte ?? Number.NaN) * (file.contentBytes ?? 0), 0)
  const entropyBitsPerByte = bits / contentBytes
  return { contentBytes, ...(entropyBitsPerByte >= 0 && entropyBitsPerByte <= 8 ? { entropyBitsPerByte } : {}) }
}
