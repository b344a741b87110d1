/** What a job may say of a backup on Proxmox VE, in the block `proxmox` or, as ever, beside the common options. */
import { besideBlock } from '../../contracts/written-backup.ts'
import type { OptionKey } from '../../domain/selection/foreign-options.ts'

export const proxmoxOptionsSchema = besideBlock

/** `skipDisks` isn't among them: a guest's own configuration says which of its disks a backup holds. */
export const proxmoxOptionKeys: readonly OptionKey[] = ['notes', ...(Object.keys(besideBlock.shape) as OptionKey[])]
