/** Disks of a machine: which of them a backup means, and what stands against reading them. */
import { RequestRejected } from '../../contracts/errors.ts'
import type { Freeze, WantedConsistency } from './options.ts'
import { type Disk, diskSchema, type Machine, type StorageProfile } from './schemas.ts'
import type { SiteSession } from './site-session.ts'
import { DISKS } from '../../azure-api/arm.ts'

const GIB = 2 ** 30
const SECTOR_BYTES_OF_VHDX = 4096

export interface MachineDisk {
  /** `os`, or its LUN. */
  slot: string
  name: string
  /** Of the managed disk; absent for an unmanaged or ephemeral one. */
  id: string | undefined
  sizeGib: number | undefined
  storageType: string | undefined
  /** An OS disk that lies on the host and is lost with it. */
  ephemeral: boolean
}

export function disksIn({ osDisk, dataDisks }: StorageProfile): MachineDisk[] {
  const of = (slot: string, disk: StorageProfile['dataDisks'][number] | NonNullable<StorageProfile['osDisk']>) => ({
    slot,
    name: disk.name,
    id: disk.vhd == null ? disk.managedDisk?.id : undefined,
    sizeGib: disk.diskSizeGB,
    storageType: disk.managedDisk?.storageAccountType,
    ephemeral: 'diffDiskSettings' in disk && disk.diffDiskSettings?.option !== undefined,
  })
  return [
    ...(osDisk == null ? [] : [of('os', osDisk)]),
    ...dataDisks.toSorted((one, other) => one.lun - other.lun).map((disk) => of(String(disk.lun), disk)),
  ]
}

export function disksOf({ properties }: Machine): MachineDisk[] {
  return properties.storageProfile === undefined ? [] : disksIn(properties.storageProfile)
}

/** Which disks the backup means. @throws RequestRejected for a disk that the machine doesn't have */
export function chosenDisks(
  disks: readonly MachineDisk[],
  skipDisks: readonly string[],
  where: string,
): { meant: MachineDisk[]; skipped: MachineDisk[] } {
  const names = ({ slot, name }: MachineDisk) => [name.toLowerCase(), slot, `lun${slot}`]
  const wanted = skipDisks.map((name) => name.toLowerCase())
  const unknown = skipDisks.filter((name) => !disks.some((disk) => names(disk).includes(name.toLowerCase())))
  if (unknown.length > 0) {
    const has = disks.map(({ name, slot }) => `${name} (${slot === 'os' ? 'os' : `LUN ${slot}`})`).join(', ')
    throw new RequestRejected(`${where}: there is no disk ${unknown.join(', ')} to skip. It has ${has || 'none'}.`)
  }
  const isSkipped = (disk: MachineDisk) => names(disk).some((name) => wanted.includes(name))
  return { meant: disks.filter((disk) => !isSkipped(disk)), skipped: disks.filter(isSkipped) }
}

/** What only the disk itself says. One that is gone or hidden has none. */
export async function readDisks(session: SiteSession, disks: readonly MachineDisk[]): Promise<Map<string, Disk>> {
  const found = new Map<string, Disk>()
  for (const { id, slot } of disks) {
    const disk = id === undefined ? undefined : await session.arm.find({ path: id, version: DISKS }, diskSchema)
    if (disk !== undefined) found.set(slot, disk)
  }
  return found
}

export function sizeBytesOf({ sizeGib }: MachineDisk, disk: Disk | undefined): number | undefined {
  const gib = disk?.properties.diskSizeGB ?? sizeGib
  return disk?.properties.diskSizeBytes ?? (gib === undefined ? undefined : gib * GIB)
}

export function isVhdx(disk: Disk | undefined): boolean {
  return disk?.properties.creationData?.logicalSectorSize === SECTOR_BYTES_OF_VHDX
}

/** Disks that are copied to be read: until then, they are not. */
export function isCopiedFirst(storageType: string | undefined): boolean {
  return /^(PremiumV2|UltraSSD)_/i.test(storageType ?? '')
}

export interface Wishes {
  freeze: Freeze
  consistency: WantedConsistency
}

/** What stands against a backup, beforehand: sentences. Pure. */
export function refusals(
  meant: readonly MachineDisk[],
  disks: ReadonlyMap<string, Disk>,
  { freeze, consistency }: Wishes,
): string[] {
  if (meant.length === 0) return ['It has no disk to archive.']
  return meant.flatMap((disk) => {
    const { name, slot, id, ephemeral, storageType } = disk
    const its = disks.get(slot)
    if (ephemeral) return [`Disk ${name} is ephemeral: it lies on the host, and no snapshot can hold it.`]
    if (id === undefined) return [`Disk ${name} is unmanaged, which is not supported: convert it to a managed disk.`]
    if (its === undefined)
      return [`Disk ${name} can't be looked at: the application's role needs Microsoft.Compute/disks/read.`]
    const { maxShares = 1, networkAccessPolicy = 'AllowAll', publicNetworkAccess, dataAccessAuthMode } = its.properties
    const together = freeze === 'restore-point'
    const own = 'With `"azure": {"freeze": "snapshots"}` it is archived from a snapshot of our own.'
    if (together && maxShares > 1) return [`Disk ${name} is shared, and a restore point can't hold it. ${own}`]
    if (together && consistency === 'crash' && isCopiedFirst(storageType ?? its.sku?.name)) {
      return [`Disk ${name} is Ultra or Premium SSD v2, which no crash-consistent restore point holds. ${own}`]
    }
    if (together && (networkAccessPolicy !== 'AllowAll' || publicNetworkAccess === 'Disabled')) {
      return [`Disk ${name} may not be exported (${networkAccessPolicy}), nor may a restore point of it. ${own}`]
    }
    if (dataAccessAuthMode === 'AzureActiveDirectory') {
      return [`Disk ${name} is read with Entra's tokens alone (dataAccessAuthMode), which this version can't.`]
    }
    return []
  })
}

/** What to know when it is restored: sentences. */
export function remarksOf({ properties }: Machine, disks: ReadonlyMap<string, Disk>): string[] {
  const encrypted = [...disks.values()].filter((disk) => disk.properties.encryptionSettingsCollection?.enabled === true)
  const byProfile = properties.storageProfile?.osDisk?.encryptionSettings?.enabled === true
  if (encrypted.length === 0 && !byProfile) return []
  return [
    'Azure Disk Encryption is on: its archive holds ciphertext. Keep the key of its Key Vault, without which nothing can be read.',
  ]
}

/** Of trusted launch and confidential machines: what no disk holds. */
export function hasGuestState({ properties }: Machine): boolean {
  const { securityProfile } = properties as { securityProfile?: { securityType?: unknown } }
  return typeof securityProfile?.securityType === 'string' && securityProfile.securityType !== 'Standard'
}
