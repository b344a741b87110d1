import * as z from 'zod'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { OptionKey } from '../../domain/selection/foreign-options.ts'

/** Common options that mean something here. */
export const ec2OptionKeys: readonly OptionKey[] = ['notes', 'skipDisks']

/** The block `ec2` of a job's `backup`. */
export const ec2OptionsSchema = z.strictObject({
  excludeBootVolume: z.boolean().optional().describe('Leave out the volume that the instance boots from.'),
})
export type Ec2Options = z.infer<typeof ec2OptionsSchema>

/** @returns the block as it was checked when the job was read */
export function ec2OptionsOf({ own }: BackupOptions): Ec2Options {
  return ec2OptionsSchema.parse(own?.['ec2'] ?? {})
}
