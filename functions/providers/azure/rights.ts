/** Which actions the application's role has to have (Azure documentation, "Azure permissions for Compute"). */
import { AzureRefusal } from '../../azure-api/azure-line.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import type { Freeze } from './options.ts'
import { type Permission, permissionSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'

/** Asked for by Azure's own portal. */
const AUTHORIZATION = '2022-04-01'

const LOOKING = [
  'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Compute/virtualMachines/instanceView/read',
  'Microsoft.Compute/disks/read',
]
const FREEZING: Readonly<Record<Freeze, readonly string[]>> = {
  'restore-point': [
    'Microsoft.Compute/restorePointCollections/read',
    'Microsoft.Compute/restorePointCollections/write',
    'Microsoft.Compute/restorePointCollections/delete',
    'Microsoft.Compute/restorePointCollections/restorePoints/read',
    'Microsoft.Compute/restorePointCollections/restorePoints/write',
    'Microsoft.Compute/restorePointCollections/restorePoints/delete',
    'Microsoft.Compute/restorePointCollections/restorePoints/retrieveSasUris/action',
    'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/read',
    'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/beginGetAccess/action',
    'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/endGetAccess/action',
  ],
  snapshots: [
    'Microsoft.Compute/disks/beginGetAccess/action',
    'Microsoft.Compute/snapshots/write',
    'Microsoft.Compute/snapshots/delete',
    'Microsoft.Compute/snapshots/beginGetAccess/action',
    'Microsoft.Compute/snapshots/endGetAccess/action',
  ],
}
/** The sweep looks for both kinds, whatever the site makes now. */
const SWEEPING = [
  'Microsoft.Compute/snapshots/read',
  'Microsoft.Compute/restorePointCollections/read',
  'Microsoft.Resources/subscriptions/resourceGroups/read',
]

export const POWER_ACTIONS = [
  'Microsoft.Compute/virtualMachines/start/action',
  'Microsoft.Compute/virtualMachines/powerOff/action',
  'Microsoft.Compute/virtualMachines/deallocate/action',
  'Microsoft.Compute/virtualMachines/restart/action',
]

/** Of the role that backs up: what is looked at in all of the subscription, and what is made in one group of it. */
export function backupActions(freezes: readonly Freeze[] = ['restore-point', 'snapshots']): string[] {
  return [...new Set([...LOOKING, ...freezes.flatMap((freeze) => FREEZING[freeze]), ...SWEEPING])]
}

/** In the group where things are made. Where Azure doesn't let us ask, nothing is known to be missing. */
export async function missingActions(session: SiteSession): Promise<MissingPrivilege[]> {
  const call = { path: `${session.group}/providers/Microsoft.Authorization/permissions`, version: AUTHORIZATION }
  let permissions: Permission[]
  try {
    permissions = await session.arm.all(call, permissionSchema)
  } catch (error) {
    if (error instanceof AzureRefusal && error.status === 403) return []
    throw error
  }
  const wanted = backupActions([session.site.freeze])
  return wanted
    .filter((action) => !permissions.some((permission) => grants(permission, action)))
    .map((privilege) => ({ privilege, path: session.group }))
}

/** A role gives what `actions` name and `notActions` don't. */
export function grants({ actions, notActions }: Permission, action: string): boolean {
  return actions.some((pattern) => fits(pattern, action)) && !notActions.some((pattern) => fits(pattern, action))
}

function fits(pattern: string, action: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*')
  return new RegExp(`^${source}$`, 'i').test(action)
}
