/** The manifest: written last beside an archive, it is the commit mark. An archive without one doesn't count. */
import * as z from 'zod'
import { backupEvidenceSchema, verdictSchema } from './evidence.ts'
import { backupOptionsSchema } from './backup-options.ts'
import { pricedSchema } from './prices.ts'
import { contentSampleSchema, embeddedConfigurationSchema } from './verification.ts'
import {
  guestSchema,
  instantSchema,
  platformSchema,
  siteNameSchema,
  sourceIdentitySchema,
  storedArtifactSchema,
} from './nouns.ts'

export const manifestSchema = z.strictObject({
  version: z.literal(1),
  /** `guestlift/<version>` that wrote it. */
  writtenBy: z.string(),
  writtenAt: instantSchema,
  runId: z.string(),
  site: siteNameSchema,
  platform: platformSchema,
  /** Version of the platform that answered. */
  platformVersion: z.string(),
  guest: guestSchema,
  /** The archive's own time on the platform; part of its key. */
  createdAt: instantSchema,
  backup: backupOptionsSchema,
  /** The job asked to remove the copy on the platform once this was written. Older manifests don't say. */
  deleteSource: z.literal(true).optional(),
  verdict: verdictSchema,
  evidence: backupEvidenceSchema,
  artifacts: z
    .array(
      storedArtifactSchema.omit({ artifact: true }).extend({
        /** `path` on the node, where the source is a file. */
        source: sourceIdentitySchema.extend({ artifactRef: z.string(), path: z.string().optional() }),
      }),
    )
    .min(1),
  /** The guest's configuration as the archive itself holds it, where its first bytes could be read. */
  configuration: embeddedConfigurationSchema.optional(),
  /** Absent for compressed archives: their bytes always look random, and the ratio to `evidence.contentBytes` speaks. */
  contentSample: contentSampleSchema.optional(),
  /** Small files beside the archive: the platform's log, its notes, as keys. */
  sideFiles: z.array(z.string()),
  /** What archiving this guest has cost on AWS by list prices, from what was counted. Older manifests have none. */
  receipt: pricedSchema.optional(),
})
export type Manifest = z.infer<typeof manifestSchema>
