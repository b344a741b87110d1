/** Which disks of a guest its backup holds. Rules: qemu-server 9.2.6 (get_backup_volumes), pve-container 6.1.10. */
import type { GuestKind } from '../../contracts/nouns.ts'
import type { GuestDisk } from '../guest-facts.ts'
import type { GuestConfig } from './guest-schemas.ts'

const VM_DRIVE = /^(?:ide[0-3]|sata[0-5]|scsi(?:[12]?\d|30)|virtio(?:\d|1[0-5])|efidisk0|tpmstate0)$/
/** pve-container takes mp0 to mp255. */
const MOUNT_POINT = /^(?:rootfs|mp(?:1?\d?\d|2[0-4]\d|25[0-5]))$/
const UNUSED = /^unused\d+$/
/** Why one is left out of a backup by which nothing is lost. */
export const CD_DRIVE = 'a CD drive'

/** Disks and mount points in the order of their keys, with unused volumes, which no backup holds. */
export function disksOf(kind: GuestKind, config: GuestConfig): GuestDisk[] {
  const isDisk = kind === 'vm' ? VM_DRIVE : MOUNT_POINT
  return Object.entries(config)
    .filter(([key]) => isDisk.test(key) || UNUSED.test(key))
    .toSorted(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
    .map(([key, text]): GuestDisk => {
      const options = readOptions(text, 'file')
      const volume = options.get('file') ?? options.get('volume') ?? ''
      const sizeBytes = parseSize(options.get('size') ?? '')
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

/**
 * A property of several parts, as `store:vm-100-disk-0,size=32G,backup=0` or `1,fstrim_cloned_disks=1`.
 * @param first what the first part is called, which may go without its name
 */
export function readOptions(text: string, first: string): Map<string, string> {
  return new Map(
    text.split(',').map((part, index): [string, string] => {
      const at = part.indexOf('=')
      if (index === 0 && !/^[a-z_-]+=/.test(part)) return [first, part]
      return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
    }),
  )
}

/** Perl's configuration parser takes all of these for booleans. */
export function isOn(value: string): boolean {
  return /^(?:1|on|yes|true)$/i.test(value)
}

const units: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** `32G`, `528K`, `1.5T`, or bytes. A file system without a limit of its own has size 0, which tells nothing. */
function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text) ?? []
  const bytes = Math.round(Number(number) * (units[unit] ?? Number.NaN))
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}
