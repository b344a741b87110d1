/** Which disks of a guest its backup holds. Rules: qemu-server 9.2.6 (get_backup_volumes), pve-container 6.1.10. */
import type { GuestKind } from '../../contracts/nouns.ts'
import type { GuestDisk } from '../guest-facts.ts'
import type { GuestConfig } from './guest-schemas.ts'
import { isOn, parseSize, readOptions } from './property-parts.ts'

const VM_DRIVE = /^(?:ide[0-3]|sata[0-5]|scsi(?:[12]?\d|30)|virtio(?:\d|1[0-5])|efidisk0|tpmstate0)$/
/** pve-container takes mp0 to mp255. */
const MOUNT_POINT = /^(?:rootfs|mp(?:1?\d?\d|2[0-4]\d|25[0-5]))$/
const UNUSED = /^unused\d+$/
/** Why one is left out of a backup by which nothing is lost. */
export const CD_DRIVE = 'a CD drive'

/** Whether a key of the configuration is that of a disk or a mount point that is attached to the guest. */
export function isDiskKey(kind: GuestKind, key: string): boolean {
  return (kind === 'vm' ? VM_DRIVE : MOUNT_POINT).test(key)
}

/** Disks and mount points in the order of their keys, with unused volumes, which no backup holds. */
export function disksOf(kind: GuestKind, config: GuestConfig): GuestDisk[] {
  return Object.entries(config)
    .filter(([key]) => isDiskKey(kind, key) || UNUSED.test(key))
    .toSorted(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
    .map(([key, text]): GuestDisk => {
      const options = readOptions(text, 'file')
      const volume = options.get('file') ?? options.get('volume') ?? ''
      const sizeBytes = parseSize(options.get('size'))
      const inclusion = UNUSED.test(key)
        ? { included: false, reason: 'not attached to the guest' }
        : kind === 'vm'
          ? vmInclusion(key, volume, options, config)
          : containerInclusion(key, volume, options)
      return { key, volume, ...(sizeBytes === undefined ? {} : { sizeBytes }), ...inclusion }
    })
}

type Inclusion = Pick<GuestDisk, 'included' | 'reason'>

function vmInclusion(
  key: string,
  volume: string,
  options: ReadonlyMap<string, string>,
  config: GuestConfig,
): Inclusion {
  // A cloud-init drive is one too: it is made anew from the configuration.
  if (options.get('media') === 'cdrom' || volume === 'none' || volume === 'cdrom') {
    return { included: false, reason: CD_DRIVE }
  }
  if (key === 'efidisk0' && config['bios'] !== 'ovmf') return { included: false, reason: 'an EFI disk without OVMF' }
  return isOn(options.get('backup') ?? '1')
    ? { included: true, reason: 'a disk' }
    : { included: false, reason: 'its backup option is off' }
}

function containerInclusion(key: string, volume: string, options: ReadonlyMap<string, string>): Inclusion {
  if (key === 'rootfs') return { included: true, reason: 'the root file system' }
  // Directories and devices of the node: their backup option is accepted and means nothing.
  if (volume.startsWith('/')) {
    return { included: false, reason: volume.startsWith('/dev/') ? 'a device of the node' : 'a directory of the node' }
  }
  return isOn(options.get('backup') ?? '0')
    ? { included: true, reason: 'its backup option is on' }
    : { included: false, reason: "its backup option isn't on" }
}
