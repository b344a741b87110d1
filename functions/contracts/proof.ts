/** By what an object of an archive is known to hold the bytes that were read. docs/s3-stores.md explains the levels. */
import * as z from 'zod'

/** From the strongest to the one that costs most. */
export const proofLevelSchema = z.enum(['full-object-crc', 'part-checksums', 'read-back'])
export type ProofLevel = z.infer<typeof proofLevelSchema>

/** Levels for stores that compute no CRC-32 over a whole object. */
export const lesserLevelSchema = proofLevelSchema.exclude(['full-object-crc'])
export type LesserLevel = z.infer<typeof lesserLevelSchema>

/**
 * - `full-object-crc`: the store computed the CRC-32 over the whole object, and it is that of the bytes that were read.
 * - `part-checksums`: the store's MD5 of each part, and its ETag over all of them, are those of the bytes that were sent.
 * - `read-back`: the object with this ETag was read back whole, and its CRC-32 is that of the bytes that were read.
 */
export const proofSchema = z.union([
  z.strictObject({ level: z.literal('full-object-crc') }),
  z.strictObject({
    level: lesserLevelSchema,
    /** Of the object that was proved, without quotes: one with another ETag is another object. */
    etag: z.string().min(1),
  }),
])
export type Proof = z.infer<typeof proofSchema>

/** By anything but a sum that the store itself computed over the whole object. */
export type LesserProof = Exclude<Proof, { level: 'full-object-crc' }>

/** What an archive's artifacts say together: the costliest way that one of them needed. Older manifests say nothing. */
export function levelOf(levels: readonly (ProofLevel | undefined)[]): ProofLevel {
  return proofLevelSchema.options.findLast((level) => levels.includes(level)) ?? 'full-object-crc'
}
