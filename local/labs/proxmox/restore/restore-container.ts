/** A container's restore, in the lines and words that were recorded; a failed one leaves nothing of it. */
import { statSync } from 'node:fs'
import { taskText } from '../api-error.ts'
import { newImage, removeImages } from '../images.ts'
import { tarReadTotals } from '../vzdump-text.ts'
import type { LabDisk } from '../world.ts'
import { readArchiveConfig } from '../archive-config.ts'
import { type Image, ImageFull, openImage } from './image-writer.ts'
import { type ArchivedConfig, keptOptions, readArchivedConfig, restoredGuest, volumeName } from './restored-guest.ts'
import { archiveOf, forgetGuest, pacer, replaceGuest, type RestoreCall, roomOn, targetStorage } from './restore-task.ts'
import { readTarMembers, TarError } from './tar-members.ts'
import { decompressorOf, Undecodable, unpacked } from './unpack.ts'

const SIZES: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

function sizeIn(line: string): number {
  const [, number = '0', unit = ''] = /(?:^|,)size=(\d+)([KMGT]?)/.exec(line) ?? []
  return Number(number) * (SIZES[unit] ?? 1)
}

/** The whole worker. @throws Error with the text of the closing line */
export async function restoreContainer(call: RestoreCall): Promise<void> {
  const { world, worker, vmid, volid, replaced } = call
  let image: Image | undefined
  let oldIsGone = replaced === undefined
  try {
    const quoted = `'${volid}'`
    worker.log(`recovering backed-up configuration from ${quoted}`)
    const { path, nodePath } = archiveOf(call)
    const archived = readArchivedConfig(await readArchiveConfig(path))
    const { disks, rootImage } = mountPoints(call, archived)
    image = rootImage
    if (replaced !== undefined) removeImages(world, replaced)
    oldIsGone = true
    worker.log(`restoring ${quoted} now..`)
    await extract(call, path, nodePath, image)
    image.close()
    worker.log('merging backed-up and given configuration..')
    const { rootfs: _rootfs, ...given } = call.given
    const guest = restoredGuest(world, archived, { ...call, given: withoutMountPoints(given), disks })
    delete guest.lock
    replaceGuest(world, { ...guest, dataBytes: statSync(image.path).size })
  } catch (error) {
    if (worker.killed) return
    image?.remove()
    if (oldIsGone) forgetGuest(world, vmid)
    else if (replaced !== undefined) {
      delete replaced.lock
      world.save()
    }
    throw new Error(`unable to restore CT ${vmid} - ${taskText(error).trimEnd()}`, { cause: error })
  }
}

const withoutMountPoints = (given: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).filter(([key]) => !/^mp\d+$/.test(key)))

/** The volumes that the container gets, as the call says or else as the archive does. */
function mountPoints(call: RestoreCall, { values }: ArchivedConfig): { disks: LabDisk[]; rootImage: Image } {
  const { world, node, vmid, given, replaced } = call
  const storage = targetStorage(world, call.storage ?? 'local', node, 'lxc')
  const first = replaced?.disks.length ?? 0
  const keys = Object.keys(values).filter((key) => /^(?:rootfs|mp\d+)$/.test(key))
  if (!keys.includes('rootfs')) throw new Error('archive configuration has no rootfs')
  const ordered = keys.toSorted((one, other) => Number(other === 'rootfs') - Number(one === 'rootfs'))
  const disks = ordered.flatMap((key, index): LabDisk[] => {
    const line = values[key] ?? ''
    if (line.startsWith('/')) throw new Error(`mount point '${key}' is a bind mount - only root@pam may restore it`)
    const gibibytes = /^[^:]+:(\d+)$/.exec(given[key]?.split(',')[0] ?? '')?.[1]
    return [
      {
        key,
        volume: volumeName('lxc', storage, vmid, first + index),
        sizeBytes: gibibytes === undefined ? sizeIn(line) : Number(gibibytes) * 1024 ** 3,
        backup: key === 'rootfs' || line.split(',').includes('backup=1'),
        ...(key === 'rootfs' ? { stored: true } : {}),
        ...keptOptions(line),
      },
    ]
  })
  const volume = disks[0]?.volume ?? ''
  const path = newImage(world, storage, node, vmid, volume)
  return { disks, rootImage: openImage(path, roomOn(world, storage, node)) }
}

async function extract(call: RestoreCall, path: string, nodePath: string, image: Image): Promise<void> {
  const { world, worker, vmid } = call
  worker.log(`extracting archive '${nodePath}'`)
  try {
    const { bytes } = await readTarMembers(unpacked(path, pacer(call, path)), (piece) => image.write(piece))
    worker.log(tarReadTotals(bytes, world.secondsPerDump))
  } catch (error) {
    const told = error instanceof TarError || error instanceof Undecodable || error instanceof ImageFull
    if (!told) throw error
    worker.log(error instanceof ImageFull ? `tar: ./: Cannot write: ${error.message}` : error.message)
    worker.log('tar: Exiting with failure status due to previous errors')
    const option = decompressorOf(path) === undefined ? '' : ` ${tarOption(path)}`
    throw new Error(
      `command 'tar xpf -${option} --totals -C /var/lib/lxc/${vmid}/rootfs --skip-old-files --anchored --exclude './dev/*'' failed: exit code 2`,
      { cause: error },
    )
  }
}

const tarOption = (path: string): string => (path.endsWith('.zst') ? '--zstd' : path.endsWith('.lzo') ? '--lzop' : '-z')
