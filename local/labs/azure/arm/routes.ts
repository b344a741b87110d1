/** Every call of Resource Manager that the lab has: its name, the right it needs, and the version it is asked by. */
import type { LabClient } from '../world.ts'
import type { ArmAnswer, ArmCall } from './call.ts'
import { deleteCollection, getCollection, listCollections, putCollection } from './collections.ts'
import { beginDiskPoint, endDiskPoint, getDiskPoint, listDiskPoints } from './disk-points.ts'
import { beginDisk, deleteDisk, endDisk, getDisk, listDisks, putDisk } from './disks.ts'
import {
  deleteNic,
  getGroup,
  getNic,
  getSubscription,
  listGroups,
  listNics,
  permissions,
  putGroup,
  putNic,
} from './groups.ts'
import { getOperation } from './operations.ts'
import { deletePoint, getPoint, putPoint } from './points.ts'
import { beginSnapshot, deleteSnapshot, endSnapshot, getSnapshot, listSnapshots, putSnapshot } from './snapshots.ts'
import { deleteVm, getVm, instanceViewOf, listVms, power, putVm } from './vms.ts'

export interface Route {
  name: string
  /** Nothing for what every caller may. */
  action?: string
  /** The only version that is taken; nothing for any. */
  api?: string
  act(call: ArmCall, client: LabClient): ArmAnswer
}

/** As @azure/arm-compute 24.1.0 sends them. */
export const COMPUTE_API = '2026-03-01'
export const DISK_API = '2025-01-02'

type Act = Route['act']
type Row = [shape: string, name: string, action: string, act: Act]

const C = 'microsoft.compute'
const RPC = `${C}/restorepointcollections`
const RP = `${RPC}/*/restorepoints`
const DRP = `${RP}/*/diskrestorepoints`
const VM = `${C}/virtualmachines`

const COMPUTE: Row[] = [
  [`GET ${VM}`, 'virtualMachines.list', 'virtualMachines/read', listVms],
  [`GET ${VM}/*`, 'virtualMachines.get', 'virtualMachines/read', getVm],
  [`GET ${VM}/*/instanceview`, 'virtualMachines.instanceView', 'virtualMachines/instanceView/read', instanceViewOf],
  [`PUT ${VM}/*`, 'virtualMachines.createOrUpdate', 'virtualMachines/write', putVm],
  [`DELETE ${VM}/*`, 'virtualMachines.delete', 'virtualMachines/delete', deleteVm],
  [`POST ${VM}/*/start`, 'virtualMachines.start', 'virtualMachines/start/action', (call) => power(call, 'running')],
  [
    `POST ${VM}/*/poweroff`,
    'virtualMachines.powerOff',
    'virtualMachines/powerOff/action',
    (call) => power(call, 'stopped'),
  ],
  [
    `POST ${VM}/*/deallocate`,
    'virtualMachines.deallocate',
    'virtualMachines/deallocate/action',
    (call) => power(call, 'deallocated'),
  ],
  [`GET ${RPC}`, 'restorePointCollections.list', 'restorePointCollections/read', listCollections],
  [`GET ${RPC}/*`, 'restorePointCollections.get', 'restorePointCollections/read', getCollection],
  [`PUT ${RPC}/*`, 'restorePointCollections.createOrUpdate', 'restorePointCollections/write', putCollection],
  [`DELETE ${RPC}/*`, 'restorePointCollections.delete', 'restorePointCollections/delete', deleteCollection],
  [`GET ${RP}/*`, 'restorePoints.get', 'restorePointCollections/restorePoints/read', getPoint],
  [`PUT ${RP}/*`, 'restorePoints.createOrUpdate', 'restorePointCollections/restorePoints/write', putPoint],
  [`DELETE ${RP}/*`, 'restorePoints.delete', 'restorePointCollections/restorePoints/delete', deletePoint],
]

const ON_DISK_POINT = 'restorePointCollections/restorePoints/diskRestorePoints'

const DISKS: Row[] = [
  [`GET ${DRP}`, 'diskRestorePoints.list', `${ON_DISK_POINT}/read`, listDiskPoints],
  [`GET ${DRP}/*`, 'diskRestorePoints.get', `${ON_DISK_POINT}/read`, getDiskPoint],
  [
    `POST ${DRP}/*/begingetaccess`,
    'diskRestorePoints.beginGetAccess',
    `${ON_DISK_POINT}/beginGetAccess/action`,
    beginDiskPoint,
  ],
  [
    `POST ${DRP}/*/endgetaccess`,
    'diskRestorePoints.endGetAccess',
    `${ON_DISK_POINT}/endGetAccess/action`,
    endDiskPoint,
  ],
  [`GET ${C}/snapshots`, 'snapshots.list', 'snapshots/read', listSnapshots],
  [`GET ${C}/snapshots/*`, 'snapshots.get', 'snapshots/read', getSnapshot],
  [`PUT ${C}/snapshots/*`, 'snapshots.createOrUpdate', 'snapshots/write', putSnapshot],
  [`DELETE ${C}/snapshots/*`, 'snapshots.delete', 'snapshots/delete', deleteSnapshot],
  [
    `POST ${C}/snapshots/*/begingetaccess`,
    'snapshots.beginGetAccess',
    'snapshots/beginGetAccess/action',
    beginSnapshot,
  ],
  [`POST ${C}/snapshots/*/endgetaccess`, 'snapshots.endGetAccess', 'snapshots/endGetAccess/action', endSnapshot],
  [`GET ${C}/disks`, 'disks.list', 'disks/read', listDisks],
  [`GET ${C}/disks/*`, 'disks.get', 'disks/read', getDisk],
  [`PUT ${C}/disks/*`, 'disks.createOrUpdate', 'disks/write', putDisk],
  [`DELETE ${C}/disks/*`, 'disks.delete', 'disks/delete', deleteDisk],
  [`POST ${C}/disks/*/begingetaccess`, 'disks.beginGetAccess', 'disks/beginGetAccess/action', beginDisk],
  [`POST ${C}/disks/*/endgetaccess`, 'disks.endGetAccess', 'disks/endGetAccess/action', endDisk],
]

const NIC = 'microsoft.network/networkinterfaces'
const GROUPS = 'Microsoft.Resources/subscriptions/resourceGroups'

const OTHERS: Row[] = [
  ['GET ', 'subscriptions.get', 'Microsoft.Resources/subscriptions/read', getSubscription],
  ['GET resourcegroups', 'resourceGroups.list', `${GROUPS}/read`, listGroups],
  ['GET group', 'resourceGroups.get', `${GROUPS}/read`, getGroup],
  ['PUT group', 'resourceGroups.createOrUpdate', `${GROUPS}/write`, putGroup],
  [`GET ${NIC}`, 'networkInterfaces.list', 'Microsoft.Network/networkInterfaces/read', listNics],
  [`GET ${NIC}/*`, 'networkInterfaces.get', 'Microsoft.Network/networkInterfaces/read', getNic],
  [`PUT ${NIC}/*`, 'networkInterfaces.createOrUpdate', 'Microsoft.Network/networkInterfaces/write', putNic],
  [`DELETE ${NIC}/*`, 'networkInterfaces.delete', 'Microsoft.Network/networkInterfaces/delete', deleteNic],
]

const rows = (all: readonly Row[], namespace: string, api?: string): [string, Route][] =>
  all.map(([shape, name, action, act]) => [
    shape,
    { name, action: `${namespace}${action}`, ...(api === undefined ? {} : { api }), act },
  ])

export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...rows(COMPUTE, 'Microsoft.Compute/', COMPUTE_API),
  ...rows(DISKS, 'Microsoft.Compute/', DISK_API),
  ...rows(OTHERS, ''),
  [`GET ${C}/locations/*/operations/*`, { name: 'operations.get', act: getOperation }],
  ['GET microsoft.authorization/permissions', { name: 'permissions.list', act: permissions }],
])
