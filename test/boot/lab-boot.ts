/** How a lab boots its VMs when their disks are `bootable-disk.ts`'s: under QEMU, from their first disk, on that disk's bus. */
import type { Boot } from '../../local/labs/proxmox/boots.ts'
import type { BootVerdict } from './boot-verdict.ts'
import { bootUnderQemu, type Bus } from './qemu.ts'

const BUSES: Readonly<Record<string, Bus>> = { virtio: 'virtio', scsi: 'scsi' }

/**
 * @param marker of the disks that are to come up
 * @param onVerdict told what each boot proved, before the lab is
 */
export function labBoot(marker: string, onVerdict: (verdict: BootVerdict) => void = () => undefined): Boot {
  return async ([disk], signal) => {
    const bus = BUSES[disk?.key.replace(/\d+$/, '') ?? '']
    const verdict: BootVerdict =
      disk === undefined || bus === undefined
        ? { booted: false, why: `no disk to boot from (${disk?.key ?? 'none is there'})` }
        : await bootUnderQemu(disk.path, { bus, marker, signal })
    onVerdict(verdict)
    return verdict.booted
  }
}
