/** Every call the lab answers; the rest is `501 Method … not implemented`. */
import type { Endpoint } from '../rest.ts'
import { accessEndpoints } from './access.ts'
import { backupJobEndpoints } from './backup-jobs.ts'
import { clusterEndpoints } from './cluster.ts'
import { configurationEndpoints } from './configuration.ts'
import { contentEndpoints } from './content.ts'
import { guestPowerEndpoints } from './guest-power.ts'
import { guestChangeEndpoints } from './guest-changes.ts'
import { guestEndpoints } from './guests.ts'
import { nodeEndpoints } from './nodes.ts'
import { networkEndpoints } from './network.ts'
import { restoreEndpoints } from './restore.ts'
import { storageEndpoints } from './storage.ts'
import { taskEndpoints } from './tasks.ts'
import { vzdumpEndpoints } from './vzdump.ts'

export const ENDPOINTS: readonly Endpoint[] = [
  ...accessEndpoints,
  ...nodeEndpoints,
  ...clusterEndpoints,
  ...backupJobEndpoints,
  ...configurationEndpoints,
  ...guestEndpoints,
  ...guestPowerEndpoints,
  ...guestChangeEndpoints,
  ...restoreEndpoints,
  ...networkEndpoints,
  ...storageEndpoints,
  ...contentEndpoints,
  ...vzdumpEndpoints,
  ...taskEndpoints,
]
