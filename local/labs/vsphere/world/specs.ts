/** What a test says about the inventory; everything has a default. */
import type { DiskContent } from '../../ec2/disk.ts'
import type { DiskMode, Guest, Host, Permission, PowerState } from './world.ts'

export interface DatastoreSpec {
  name: string
  kind?: 'VMFS' | 'NFS' | 'vsan' | 'VVOL'
  /** Of a VMFS: 5 has delta files, 6 (unless told) sparse ones. NFS has delta files. */
  vmfs?: 5 | 6
  capacityBytes?: number
  freeBytes?: number
  accessible?: boolean
}

export interface HostSpec {
  name: string
  /** Name of its cluster; without one it stands alone. */
  cluster?: string
  connectionState?: Host['connectionState']
  inMaintenanceMode?: boolean
}

export interface DatacenterSpec {
  name: string
  /** Names of the folders that it lies in, from the root on. */
  folders?: readonly string[]
  datastores?: readonly DatastoreSpec[]
  hosts?: readonly HostSpec[]
  /** Folders of guests, as `Web/Prod`. */
  guestFolders?: readonly string[]
  /** Below the root pool of the first cluster or host. */
  pools?: readonly string[]
  networks?: readonly string[]
}

export interface SnapshotSpec {
  name: string
  description?: string
  quiesced?: boolean
  createdAt?: Date
}

export interface DiskSpec {
  /** `Hard disk 1` and so on unless told. */
  label?: string
  /** The guest's own unless told. */
  datastore?: string
  capacityBytes: number
  thin?: boolean
  mode?: DiskMode
  multiWriter?: boolean
  rdm?: 'physicalMode' | 'virtualMode'
  keyId?: string
  content?: DiskContent
  /** Without the ending; as the guest, `_1` for the second, unless told. */
  fileStem?: string
}

export interface GuestSpec {
  name: string
  /** The instance UUID. */
  id?: string
  uuid?: string
  datacenter?: string
  /** Below the datacenter's folder of guests, as `Web/Prod`. */
  folder?: string
  pool?: string
  host?: string
  datastore?: string
  annotation?: string
  powerState?: PowerState
  connectionState?: Guest['connectionState']
  template?: boolean
  firmware?: 'bios' | 'efi'
  toolsRunning?: boolean
  sharedBus?: Guest['sharedBus']
  vtpm?: boolean
  keyId?: string
  faultTolerance?: boolean
  consolidationNeeded?: boolean
  /** As `category:name`. */
  tags?: readonly string[]
  customValues?: Record<string, string>
  networks?: readonly string[]
  disks?: readonly DiskSpec[]
  /** From the oldest on, each the child of the one before. */
  snapshots?: readonly SnapshotSpec[]
}

export interface UserSpec {
  name: string
  password: string
  /** From the root folder down unless told: everything. The nearest one above an object counts. */
  permissions?: readonly Permission[]
}
