import { type ArchiveBytes, type DiskWriter, NoSuchContent, type TakenDisk } from '../archive-bytes.ts'
import { Damage, Findings } from '../damage.ts'
import { openContent } from './open-content.ts'
import { type DiskTaker, type VmaReport, walkVma } from './vma.ts'
import type { VmaDevice } from './vma-header.ts'

export interface ExtractedDisk extends TakenDisk {
  device: VmaDevice
  report: VmaReport
}

/**
 * Take one disk out of a VM's archive, in one pass and in constant memory. All of the archive is checked on the way, as far
 * as it is read: a disk is whole only if nothing at all was found.
 * @param name `scsi0` or `drive-scsi0`
 * @param open makes what the disk is written to, once its size is known
 * @param options `whole`: read all of the archive, whatever it takes, so that its CRC-32 is known
 * @throws Damage with what is wrong and where
 */
export async function extractDisk(
  bytes: ArchiveBytes,
  name: string,
  open: (device: VmaDevice) => Promise<DiskWriter>,
  options: { whole?: boolean } = {},
): Promise<ExtractedDisk> {
  const opened = await openContent(bytes, options)
  try {
    if (opened.format !== 'vma') {
      throw new NoSuchContent(`${bytes.fileName} is the archive of a container: it holds files and no disks.`)
    }
    const findings = new Findings()
    const chosen: { device?: VmaDevice } = {}
    const choose = async (devices: readonly VmaDevice[]): Promise<DiskTaker> => {
      const device = deviceOf(name, devices, bytes)
      const writer = await open(device)
      chosen.device = device
      return {
        deviceId: device.id,
        write: (offset, data) => writer.write(offset, data),
        passed: async (offset) => writer.passed?.(offset),
      }
    }
    const report = await walkVma(opened.content, findings, choose)
    const passed = await opened.finish()
    const [first] = findings.list
    if (first !== undefined) throw new Damage(first.code, first.message, first.of ?? 'content', first.offset ?? 0)
    const { device } = chosen
    if (device === undefined) throw new NoSuchContent(`${bytes.fileName} holds no disk.`)
    const storedBytes = report.devices.find(({ name: its }) => its === device.name)?.storedBytes ?? 0
    return { device, storedBytes, report, ...(passed === undefined ? {} : { passed }) }
  } finally {
    await opened.close()
  }
}

function deviceOf(name: string, devices: readonly VmaDevice[], { fileName }: ArchiveBytes): VmaDevice {
  const found = devices.find((device) => device.name === name || device.name === `drive-${name}`)
  if (found !== undefined) return found
  const names = devices.map((device) => shortDiskName(device.name)).join(', ')
  throw new NoSuchContent(`${fileName} holds no disk ${name}. It holds: ${names === '' ? 'none' : names}.`)
}

/** As the guest's configuration calls it. */
export function shortDiskName(device: string): string {
  return device.replace(/^drive-/, '')
}
