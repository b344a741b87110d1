/** What stands against a backup before anything is made, with the sentence that says why. Pure. */
import type { Hardware, Machine, MachineDisk } from './machine.ts'
import { lacksExtents, type Layout } from './layout.ts'

/** vSphere allows 32 levels; one of ours and one of somebody in a hurry still fit. */
const MOST_DEPTH = 30

export interface Subject {
  machine: Machine
  hardware: Hardware
  /** `config.keyId` is there: the guest's home is encrypted. */
  encrypted: boolean
  faultTolerant: boolean
}

export interface Wishes {
  skipDisks: readonly string[]
  mode: 'auto' | 'direct' | 'clone'
  hasStaging: boolean
}

/** Names that a person may call a disk by in `skipDisks`. */
export function namesOf(disk: MachineDisk): string[] {
  return [disk.label, String(disk.key), disk.slot, disk.fileName].filter((name) => name !== '')
}

export function isSkipped(disk: MachineDisk, skipDisks: readonly string[]): boolean {
  return namesOf(disk).some((name) => skipDisks.includes(name))
}

/** Entries of `skipDisks` that no disk is called by. */
export function unknownSkips({ disks }: Hardware, skipDisks: readonly string[]): string[] {
  const known = new Set(disks.flatMap(namesOf))
  return skipDisks.filter((name) => !known.has(name))
}

/** Why the guest can't be backed up, a sentence each; none where it can. */
export function refusals({ machine, hardware, encrypted, faultTolerant }: Subject, wishes: Wishes): string[] {
  const depth = Math.max(0, ...machine.snapshots.map((one) => one.depth))
  const meant = hardware.disks.filter((disk) => !isSkipped(disk, wishes.skipDisks))
  return [
    ...(machine.connectionState === 'connected'
      ? []
      : [`It is ${machine.connectionState || 'in no known state'}: its host or storage doesn't answer.`]),
    ...(machine.powerState === 'suspended' ? ['It is suspended: resume it or shut it down, then back it up.'] : []),
    ...(encrypted && !hardware.hasTpm
      ? ["It is encrypted by the platform: its files can't be opened without this vCenter's key provider."]
      : []),
    ...(hardware.hasTpm ? ["It has a virtual TPM: its .nvram and .vmx are bound to this vCenter's key provider."] : []),
    ...(faultTolerant ? ['It is protected by Fault Tolerance: suspend that for the backup.'] : []),
    ...(machine.consolidationNeeded
      ? ["It needs consolidation: an earlier snapshot's files are still there. Consolidate it in the vSphere client."]
      : []),
    ...(depth >= MOST_DEPTH ? [`It has snapshots ${depth} levels deep; the platform allows 32. Remove some.`] : []),
    ...(meant.length === 0 ? ['It has no disk that could be archived.'] : []),
    ...meant.flatMap((disk) => diskRefusal(disk, wishes)),
  ]
}

function diskRefusal(disk: MachineDisk, { mode, hasStaging }: Wishes): string[] {
  const name = `Disk '${disk.label}'`
  if (disk.diskMode.startsWith('independent')) {
    return [
      `${name} is independent: snapshots don't contain it. Set it to Dependent in the guest's settings (guest off), or list it in skipDisks.`,
    ]
  }
  if (isRawDevice(disk)) {
    if (disk.compatibilityMode === 'physicalMode') {
      return [
        `${name} is a raw device in physical mode: the platform can't snapshot it. Back up the LUN itself, or list it in skipDisks.`,
      ]
    }
    if (mode === 'direct' || !hasStaging) {
      return [`${name} is a raw device: only mode clone can read it. Name \`staging\`, or list the disk in skipDisks.`]
    }
  }
  if (disk.sharing === 'sharingMultiWriter' || (disk.busSharing !== '' && disk.busSharing !== 'noSharing')) {
    return [
      `${name} is shared with other guests: snapshots aren't possible. List it in skipDisks where that is enough.`,
    ]
  }
  if (disk.keyId)
    return [`${name} is encrypted by the platform: its file can't be opened without this vCenter's key provider.`]
  if (disk.capacityBytes === undefined || disk.capacityBytes === 0)
    return [`${name} has no size that the platform says.`]
  return []
}

export function isRawDevice({ backingType }: MachineDisk): boolean {
  return /RawDiskMapping/.test(backingType)
}

/** How a guest's files are read, or why they can't be. @param layout of the guest as it is before the snapshot */
export function chooseMode(
  { machine, hardware }: Pick<Subject, 'machine' | 'hardware'>,
  layout: Layout,
  { mode, hasStaging, skipDisks }: Wishes,
): { mode: 'direct' | 'clone' | 'template' } | { refusal: string } {
  const meant = hardware.disks.filter((disk) => !isSkipped(disk, skipDisks))
  const unread = meant.filter((disk) => isRawDevice(disk) || lacksExtents(layout.chains.get(disk.key) ?? []))
  if (unread.length === 0 && mode !== 'clone') return { mode: machine.template ? 'template' : 'direct' }
  if (mode === 'clone' || (mode === 'auto' && hasStaging)) return { mode: 'clone' }
  const [disk] = unread
  return {
    refusal: `Disk '${disk?.label}' lies where no file of it is served, as on vSAN. Name a \`staging\` datastore (VMFS or NFS) for mode clone.`,
  }
}
