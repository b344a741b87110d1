import * as z from 'zod'
import type { BackupOptions } from '../../contracts/backup-options.ts'
import type { OptionKey } from '../../domain/selection/foreign-options.ts'

/** Common options that mean something here. */
export const azureOptionKeys: readonly OptionKey[] = ['skipDisks']

export const wantedConsistencySchema = z.enum(['application', 'application-or-crash', 'crash'])
export type WantedConsistency = z.infer<typeof wantedConsistencySchema>

/** How the disks are frozen: all together, or one after the other. */
export const freezeSchema = z.enum(['restore-point', 'snapshots'])
export type Freeze = z.infer<typeof freezeSchema>

/** The block `azure` of a job's `backup`. */
export const azureOptionsSchema = z.strictObject({
  freeze: freezeSchema
    .optional()
    .describe("`restore-point`: all disks together. `snapshots`: each by itself. Default: the site's `freeze`."),
  consistency: wantedConsistencySchema
    .optional()
    .describe("What a restore point asks the guest for. Default: the site's `consistency`."),
})
export type AzureOptions = z.infer<typeof azureOptionsSchema>

/** @returns the block as it was checked when the job was read */
export function azureOptionsOf({ own }: BackupOptions): AzureOptions {
  return azureOptionsSchema.parse(own?.['azure'] ?? {})
}
