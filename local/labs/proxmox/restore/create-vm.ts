/** A VM is made of disks that lie on a storage for import. Wording: qemu-server 9.2.6. A failed one leaves nothing. */
import { existsSync } from 'node:fs'
import { taskText } from '../api-error.ts'
import { newIdentity } from '../identity.ts'
import { newImage } from '../images.ts'
import { activeStorage, importDirectory } from '../storage-files.ts'
import { sizeText } from '../guest-config.ts'
import type { Worker } from '../tasks.ts'
import { type LabDisk, unixSeconds, type World } from '../world.ts'
import { type Image, ImageFull, openImage } from './image-writer.ts'
import { NotQcow2, openQcow2 } from './qcow2-disk.ts'
import { Interrupted } from '../archive-file.ts'
import { forgetGuest, replaceGuest, roomOn, targetStorage } from './restore-task.ts'
import { isDiskKey, keptOptions, restoredGuest, volumeName } from './restored-guest.ts'

export interface CreateCall {
  world: World
  worker: Worker
  vmid: number
  node: string
  /** Configuration of the call, drives among it. */
  given: Record<string, string>
}

/** The whole worker. @throws Error with the text of the closing line */
export async function createVm({ world, worker, vmid, node, given }: CreateCall): Promise<void> {
  const images: Image[] = []
  try {
    const disks: LabDisk[] = []
    const drives: Record<string, string> = {}
    for (const [key, line] of Object.entries(given).filter(([name]) => isDiskKey('qemu', name))) {
      const source = /(?:^|,)import-from=([^,]+)/.exec(line)?.[1]
      if (source === undefined) {
        drives[key] = line.replace(/^([^:,]+):cloudinit/, `$1:vm-${vmid}-cloudinit`)
        continue
      }
      const storage = targetStorage(world, line.split(':')[0] ?? '', node, 'qemu')
      const volume = volumeName('qemu', storage, vmid, disks.length)
      const image = await importDisk({ world, worker, node, source }, (sizeBytes) => {
        const made = openImage(newImage(world, storage, node, vmid, volume), roomOn(world, storage, node), sizeBytes)
        images.push(made)
        return made
      })
      image.close()
      worker.log(`${key}: successfully created disk '${volume},size=${sizeText(image.sizeBytes)}'`)
      const { options } = keptOptions(line)
      disks.push({
        key,
        volume,
        sizeBytes: image.sizeBytes,
        backup: !line.split(',').includes('backup=0'),
        stored: true,
        options: options.filter((option) => !option.startsWith('import-from=')),
      })
    }
    const { smbiosUuid, createdAt, genid } = newIdentity(world.site, 'qemu', unixSeconds(world))
    const rest = Object.fromEntries(Object.entries(given).filter(([key]) => !isDiskKey('qemu', key)))
    const values = {
      smbios1: `uuid=${smbiosUuid}`,
      ...(rest['vmgenid'] === '0' ? {} : { vmgenid: genid ?? '' }),
      meta: `creation-qemu=10.1.2,ctime=${createdAt}`,
      ...drives,
    }
    const archived = { description: '', values, map: {} }
    const guest = restoredGuest(world, archived, { kind: 'qemu', vmid, node, unique: false, given: rest, disks })
    delete guest.lock
    replaceGuest(world, guest)
  } catch (error) {
    if (worker.killed) return
    for (const image of images) image.remove()
    forgetGuest(world, vmid)
    throw new Error(`unable to create VM ${vmid} - ${taskText(error).trimEnd()}`, { cause: error })
  }
}

interface Source {
  world: World
  worker: Worker
  node: string
  /** `nas:import/disk.qcow2` */
  source: string
}

async function importDisk(
  { world, worker, node, source }: Source,
  open: (sizeBytes: number) => Image,
): Promise<Image & { sizeBytes: number }> {
  const [id = '', name = ''] = source.split(/:(.*)/s)
  const storage = activeStorage(world, id, node)
  const path = `${importDirectory(world, storage, node)}/${name.replace(/^import\//, '')}`
  if (!name.startsWith('import/') || !existsSync(path)) throw new Error(`volume '${source}' does not exist`)
  try {
    const disk = openQcow2(path)
    try {
      const image = open(disk.sizeBytes)
      for (const { offset, bytes } of disk.clusters()) image.write(bytes, offset)
      await world.pace.sleep(world.secondsPerDump, worker.signal)
      if (worker.signal.aborted) throw new Interrupted()
      worker.log(`transferred ${disk.sizeBytes} B of ${disk.sizeBytes} B (100.00%)`)
      return { ...image, sizeBytes: disk.sizeBytes }
    } finally {
      disk.close()
    }
  } catch (error) {
    if (!(error instanceof NotQcow2 || error instanceof ImageFull)) throw error
    const said =
      error instanceof ImageFull
        ? `qemu-img: error while writing at byte 0: ${error.message}`
        : `qemu-img: ${error.message}`
    worker.log(said)
    throw new Error(`cannot import from '${source}' - copy failed: ${error.message}`, { cause: error })
  }
}
