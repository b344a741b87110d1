/** What a person asks for: the job. Also the older shape that `domain/older-job.ts` maps onto it. */
import * as z from 'zod'
import { runLimitsSchema } from './limits.ts'
import { siteNameSchema } from './nouns.ts'
import { guestSelectionSchema } from './selection.ts'

/** How consistent the backup is and what it costs the guest. Proxmox: vzdump's `mode`. */
export const backupModeSchema = z.enum(['snapshot', 'suspend', 'stop'])
export const compressSchema = z.enum(['zstd', 'gzip', 'lzo', 'none'])

/** How each guest is backed up on the platform. */
export const backupOptionsSchema = z.strictObject({
  mode: backupModeSchema.default('snapshot'),
  compress: compressSchema.default('zstd'),
  /** The storage that receives the archive before it is moved; it must allow backups. */
  storage: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$/, 'a storage id starts with a letter')
    .default('local'),
  /** One line of plain text that is kept with the archive. */
  notes: z
    .string()
    .max(900)
    .regex(/^[^\r\n]*$/, 'notes are one line')
    .optional(),
})
export type BackupOptions = z.infer<typeof backupOptionsSchema>

const keep = z.int().positive().optional()

/** Retention rules with Proxmox's names and meaning. Accepted and kept with the run; not applied yet. */
export const retentionSchema = z
  .strictObject({
    'keep-all': z.boolean().optional(),
    'keep-last': keep,
    'keep-hourly': keep,
    'keep-daily': keep,
    'keep-weekly': keep,
    'keep-monthly': keep,
    'keep-yearly': keep,
  })
  .refine((rules) => !(rules['keep-all'] === true && Object.keys(rules).length > 1), {
    error: 'keep-all cannot be combined with other rules',
  })

/** One run's order, as typed by a person or kept in a schedule. */
export const jobSchema = z.strictObject({
  site: siteNameSchema,
  guests: guestSelectionSchema,
  backup: backupOptionsSchema.prefault({}),
  retention: retentionSchema.optional(),
  /** How fast this run may move archives; the site's own limits hold as well. */
  limits: runLimitsSchema.prefault({}),
  /** Remove the archive from the platform's storage once it is proved to be in S3. */
  deleteSource: z.boolean().default(false),
})
export type Job = z.infer<typeof jobSchema>

/** The shape that an older exporter used. Accepted as it is; see `domain/older-job.ts` for what becomes of each field. */
export const olderJobSchema = z.strictObject({
  provider: z.literal('proxmox'),
  /** `node:vmid` or `vmid`. */
  identifier: z.string().regex(/^(?:[A-Za-z0-9][A-Za-z0-9-]*:)?[1-9][0-9]{2,8}$/, 'identifier is node:vmid or vmid'),
  site: siteNameSchema.optional(),
  output_path: z.string().optional(),
  format: z.literal('vzdump').optional(),
  compress: z.boolean().optional(),
  compression_level: z.int().min(0).max(22).optional(),
  metadata: z
    .strictObject({ backup_mode: backupModeSchema.optional(), notes: z.string().max(900).optional() })
    .optional(),
})
export type OlderJob = z.infer<typeof olderJobSchema>
