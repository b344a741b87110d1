import * as z from 'zod'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { OptionKey } from '../../domain/selection/foreign-options.ts'

/** Common options that mean something here. */
export const vsphereOptionKeys: readonly OptionKey[] = ['notes', 'skipDisks']

export const quiesceSchema = z.enum(['require', 'prefer', 'never'])
export type Quiesce = z.infer<typeof quiesceSchema>

/** The block `vsphere` of a job's `backup`. */
export const vsphereOptionsSchema = z.strictObject({
  quiesce: quiesceSchema
    .optional()
    .describe(
      "Whether the guest's file systems are made quiet for the snapshot. `require`: no archive without; `prefer`: a warning without; `never`. Default: the site's `snapshot.quiesce`.",
    ),
  format: z
    .enum(['disks', 'files'])
    .optional()
    .describe(
      '`disks`: each disk as `<name>.raw.zst`. `files`: the files of the datastore as they are, with the snapshots before ours. Default: `disks`, and `files` for guests with older snapshots.',
    ),
})
export type VsphereOptions = z.infer<typeof vsphereOptionsSchema>

/** @returns the block as it was checked when the job was read */
export function vsphereOptionsOf({ own }: BackupOptions): VsphereOptions {
  return vsphereOptionsSchema.parse(own?.['vsphere'] ?? {})
}
