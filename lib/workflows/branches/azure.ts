import { startAndWait } from './branch.ts'

/** Azure: a restore point of all disks together, or a snapshot of each; then their written pages. */
export const azureBranch = startAndWait({ start: 'Freeze disks', noun: 'frozen disks' })
