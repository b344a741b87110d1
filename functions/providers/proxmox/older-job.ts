import * as z from 'zod'
import { backupModeSchema } from '../../contracts/backup-options.ts'
import { InvalidJob } from '../../contracts/errors.ts'
import { jobSchema, type OlderJobShape, type ReadJob } from '../../contracts/job.ts'
import { siteNameSchema } from '../../contracts/nouns.ts'
import { parseRequest } from '../../domain/selection/parse-request.ts'

/** The shape that an older exporter used, accepted as it is. */
const olderJobSchema = z.strictObject({
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
type OlderJob = z.infer<typeof olderJobSchema>

export const olderProxmoxJob: OlderJobShape = {
  is: (job) => 'provider' in job,
  read: (job, defaultSite) => {
    const older = parseRequest(olderJobSchema, job, 'job (older shape, since it has "provider")')
    const site = older.site ?? defaultSite
    if (site !== undefined) return fromOlderJob(older, site)
    throw new InvalidJob(
      'A job of the older shape names no site, and this deployment has no default site. Add "site" to the job.',
    )
  },
}

/**
 * Map a job of the older shape onto ours. Every field is either mapped or named in the notes as having no equivalent,
 * so that nobody believes in a setting that does nothing.
 */
function fromOlderJob(older: OlderJob, site: string): ReadJob {
  const [vmid, node] = older.identifier.split(':').reverse()
  const compress = older.compress === false ? 'none' : 'zstd'
  const mode = older.metadata?.backup_mode ?? 'snapshot'
  const notes = older.metadata?.notes?.replaceAll(/\s*[\r\n]+\s*/g, ' ')
  const job = jobSchema.parse({
    site,
    guests: { vmids: [Number(vmid)] },
    backup: { mode, compress, ...(notes === undefined ? {} : { notes }) },
  })
  return {
    job,
    notes: [
      'The job has the older shape and was mapped onto the current one.',
      `identifier "${older.identifier}" became guests.vmids [${vmid}] at site "${site}".`,
      ...(node === undefined
        ? []
        : [`The node "${node}" in identifier is a hint only: the guest is backed up on the node where it is now.`]),
      `compress ${String(older.compress ?? true)} became backup.compress "${compress}".`,
      ...(older.compression_level === undefined
        ? []
        : [`compression_level ${older.compression_level} has no equivalent in vzdump and was ignored.`]),
      `backup.mode is "${mode}"; backup.storage is "${job.backup.storage}", since the older shape names no storage.`,
      ...(notes === undefined ? [] : ['metadata.notes became backup.notes.']),
      ...(older.output_path === undefined
        ? []
        : [
            `output_path "${older.output_path}" was ignored: archives go to the archive bucket, under archives/${site}/.`,
          ]),
    ],
  }
}
