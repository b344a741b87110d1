/** Boots a disk for real, under QEMU without KVM, with a kernel and an initramfs of the tests' own. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type BootVerdict, judgeBoot } from './boot-verdict.ts'

const QEMU = 'qemu-system-x86_64'
const kit = (name: string): string => fileURLToPath(new URL(`../../.guestlift/tools/boot/${name}`, import.meta.url))
const [KERNEL, INITRAMFS] = [kit('vmlinuz'), kit('initramfs.gz')]

/** What a boot needs and this machine doesn't have, as the suites tell it. */
export const missingForBoots = [
  ...(spawnSync(QEMU, ['--version']).status === 0 ? [] : [QEMU]),
  ...(existsSync(KERNEL) ? [] : ['kernel to boot (sh test/tools/boot-kit.sh .guestlift/tools)']),
]

export type Bus = 'virtio' | 'scsi' | 'nvme'
const DEVICES: Record<Bus, readonly string[]> = {
  virtio: ['virtio-blk-pci,drive=disk'],
  scsi: ['virtio-scsi-pci', 'scsi-hd,drive=disk'],
  nvme: ['nvme,serial=guestlift,drive=disk'],
}

export interface BootOptions {
  bus: Bus
  /** What the disk held when it was archived. */
  marker: string
  /** Ends the guest; what it wrote until then is judged. */
  signal?: AbortSignal
  /** A guest that writes nothing for so long is ended. A busy machine boots in 60 seconds and is never silent for long. */
  silenceSeconds?: number
  /** Further words for the kernel. */
  kernelArguments?: string
}

/**
 * Boot a raw image, which stays as it is, and judge what its guest writes.
 * @throws Error in QEMU's words when it could not start
 */
export async function bootUnderQemu(path: string, options: BootOptions): Promise<BootVerdict> {
  const { bus, marker, signal, silenceSeconds = 120, kernelArguments = '' } = options
  const file = { driver: 'file', filename: path }
  const disk = { driver: 'raw', 'node-name': 'disk', 'read-only': true, file }
  const machine = ['-accel', 'tcg', '-m', '128', '-smp', '1', '-nodefaults', '-no-reboot', '-display', 'none']
  const kernel = ['-kernel', KERNEL, '-initrd', INITRAMFS, '-append', `console=ttyS0 panic=-1 ${kernelArguments}`]
  const devices = DEVICES[bus].flatMap((device) => ['-device', device])
  const words = [...machine, '-serial', 'stdio', ...kernel, '-blockdev', JSON.stringify(disk), ...devices]
  const qemu = spawn(QEMU, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  const end = (): void => void qemu.kill('SIGKILL')
  let [serial, complaint] = ['', '']
  const silence = setTimeout(end, silenceSeconds * 1000)
  qemu.stdout.setEncoding('latin1').on('data', (text: string) => {
    serial += text
    silence.refresh()
  })
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => void (complaint += text))
  signal?.addEventListener('abort', end)
  if (signal?.aborted === true) end()
  try {
    const status = await new Promise<number | null>((resolve, reject) => qemu.on('error', reject).on('close', resolve))
    if (status !== null && status !== 0) throw new Error(`${QEMU} ended with status ${status}: ${complaint.trim()}`)
  } finally {
    clearTimeout(silence)
    signal?.removeEventListener('abort', end)
  }
  return judgeBoot(serial, marker)
}
