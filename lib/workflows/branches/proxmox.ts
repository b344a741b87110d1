import { startAndWait } from './branch.ts'

/** Proxmox VE: a vzdump job, which waits for its node's turn, then a file on one of the site's storages. */
export const proxmoxBranch = startAndWait({ start: 'Start vzdump', noun: 'vzdump' })
