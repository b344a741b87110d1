/**
 * A VM's restore: the lines that qemu-server's restore writes, and the disks behind them. Wording from the source's
 * messages; no recording holds one. What a failed one leaves was recorded: a VM without a name and without disks.
 */
import { taskText } from '../api-error.ts'
import { removeImages, newImage } from '../images.ts'
import { checkVma, VmaError, type VmaSink } from '../vma-check.ts'
import { findStorage, type LabDisk, type LabStorage } from '../world.ts'
import { type Image, ImageFull, openImage } from './image-writer.ts'
import {
  type ArchivedConfig,
  emptyGuest,
  keptOptions,
  readArchivedConfig,
  restoredGuest,
  volumeName,
} from './restored-guest.ts'
import { archiveOf, pacer, replaceGuest, type RestoreCall, roomOn, targetStorage } from './restore-task.ts'
import { decompressorOf, Undecodable, unpacked } from './unpack.ts'

const CONFIGURATION = 'qemu-server.conf'

/** The whole worker. @throws Error with the text of the closing line */
export async function restoreVm(call: RestoreCall): Promise<void> {
  const { world, worker, vmid, node, replaced } = call
  const disks = new Disks(call)
  try {
    const archived = await readInto(call, disks)
    worker.log('rescan volumes...')
    if (replaced !== undefined) removeImages(world, replaced)
    const guest = restoredGuest(world, archived, { ...call, disks: disks.finished() })
    delete guest.lock
    replaceGuest(world, guest)
  } catch (error) {
    // A worker that was killed cleans nothing up: the VM stays locked, with what it had of disks.
    if (worker.killed) return
    disks.discard()
    if (replaced === undefined) {
      const { lock: _lock, ...left } = emptyGuest('qemu', vmid, node)
      replaceGuest(world, left)
    } else {
      delete replaced.lock
      world.save()
    }
    worker.log(
      'error before or during data restore, some or all disks were not completely restored. ' +
        `VM ${vmid} state is NOT cleaned up.`,
    )
    throw error
  }
}

/** Read the archive into the disks. @throws Error in the words of the program that gave up */
async function readInto(call: RestoreCall, disks: Disks): Promise<ArchivedConfig> {
  const { worker } = call
  const { path, nodePath } = archiveOf(call)
  const temporary = `/var/tmp/vzdumptmp${worker.task.pid}`
  const decompressor = decompressorOf(path)
  const extract = `vma extract -v -r ${temporary}.fifo ${decompressor === undefined ? nodePath : '-'} ${temporary}`
  const command = decompressor === undefined ? extract : `${decompressor} ${nodePath} | ${extract}`
  worker.log(`restore vma archive: ${command}`)
  let read = 0
  const pace = pacer(call, path, (share) => {
    const percent = Math.round(share * 100)
    const seconds = Math.round(call.world.secondsPerDump * share)
    worker.log(`progress ${percent}% (read ${Math.round(disks.totalBytes * share)} bytes, duration ${seconds} sec)`)
  })
  const content = unpacked(path, async (bytes) => {
    read += bytes
    await pace(bytes)
  })
  try {
    const report = await checkVma(content, disks)
    const sparse = report.zeroClusters * 65_536
    const share = disks.totalBytes === 0 ? 0 : Math.floor((sparse / disks.totalBytes) * 100)
    worker.log(`total bytes read ${disks.totalBytes}, sparse bytes ${sparse} (${share}%)`)
    worker.log('space reduction due to 4K zero blocks 0%')
    return disks.archived
  } catch (error) {
    if (error instanceof VmaError) {
      worker.log('')
      worker.log(`** (process:${worker.task.pid}): ERROR **: ${error.message}`)
      throw new Error(`command 'set -o pipefail && ${command}' failed: exit code 133`, { cause: error })
    }
    if (error instanceof Undecodable) {
      worker.log(error.message)
      throw new Error(`command 'set -o pipefail && ${command}' failed: exit code 1`, { cause: error })
    }
    if (error instanceof ImageFull) {
      worker.log(`vma: restore failed - ${error.message} after ${read} bytes`)
      throw new Error(`command 'set -o pipefail && ${command}' failed: ${error.message}`, { cause: error })
    }
    throw new Error(taskText(error), { cause: error })
  }
}

/** Takes the archive's devices and makes a disk of each that the configuration names. */
class Disks implements VmaSink {
  archived: ArchivedConfig = { description: '', values: {}, map: {} }
  totalBytes = 0
  readonly #call: RestoreCall
  readonly #images = new Map<number, Image>()
  readonly #disks: LabDisk[] = []

  constructor(call: RestoreCall) {
    this.#call = call
  }

  begin(configs: Record<string, string>, devices: Parameters<VmaSink['begin']>[1]): void {
    const { worker } = this.#call
    const text = configs[CONFIGURATION]
    if (text === undefined) throw new Error(`unable to read archive config: no ${CONFIGURATION}`)
    for (const [name, content] of Object.entries(configs)) {
      worker.log(`CFG: size: ${Buffer.byteLength(content)} name: ${name}`)
    }
    for (const { id, sizeBytes, name } of devices) worker.log(`DEV: dev_id=${id} size: ${sizeBytes} devname: ${name}`)
    this.archived = readArchivedConfig(text)
    this.totalBytes = devices.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const rooms = new Map<LabStorage, { bytes: number }>()
    for (const [drive, { device, storage, format }] of Object.entries(this.archived.map)) {
      const found = devices.find(({ name }) => name === device)
      if (found === undefined) throw new Error(`archive does not contain data for drive '${drive}'`)
      this.#allocate(drive, found, this.#storageFor(storage), format, rooms)
    }
  }

  /** Where it was, or `local` where the site has no such storage. */
  #storageFor(archived: string): LabStorage {
    const { world, node, storage } = this.#call
    const id = storage ?? (findStorage(world, archived) === undefined ? 'local' : archived)
    return targetStorage(world, id, node, 'qemu')
  }

  #allocate(
    drive: string,
    device: { id: number; sizeBytes: number; name: string },
    storage: LabStorage,
    format: string,
    rooms: Map<LabStorage, { bytes: number }>,
  ): void {
    const { world, worker, node, vmid, replaced } = this.#call
    // The replaced guest's disks are there until all is read: new ones take the numbers behind theirs.
    const number = (replaced?.disks.length ?? 0) + this.#disks.length
    const volume = volumeName('qemu', storage, vmid, number, format)
    const room = rooms.get(storage) ?? roomOn(world, storage, node)
    rooms.set(storage, room)
    const path = newImage(world, storage, node, vmid, volume)
    this.#images.set(device.id, openImage(path, room, device.sizeBytes))
    const kept = keptOptions(this.archived.values[drive] ?? '')
    this.#disks.push({ key: drive, volume, sizeBytes: device.sizeBytes, backup: true, stored: true, ...kept })
    worker.log(`new volume ID is '${volume}'`)
    worker.log(`map '${device.name}' to '${storage.path}/${volume.replace(/^[^:]*:/, '')}' (write zeros = 0)`)
  }

  block(device: number, atByte: number, data: Buffer): void {
    this.#images.get(device)?.write(data, atByte)
  }

  finished(): LabDisk[] {
    for (const image of this.#images.values()) image.close()
    return this.#disks
  }

  discard(): void {
    for (const image of this.#images.values()) image.remove()
  }
}
