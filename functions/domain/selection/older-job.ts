import type { Job, OlderJob } from '../../contracts/job.ts'
import { jobSchema } from '../../contracts/job.ts'

/** A job as read from a request, with what a person should know about how it was read. */
export interface ReadJob {
  job: Job
  notes: string[]
}

/**
 * Map a job of the older shape onto ours. Every field is either mapped or named in the notes as having no equivalent,
 * so that nobody believes in a setting that does nothing.
 */
export function fromOlderJob(older: OlderJob, site: string): ReadJob {
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
