/** Disks as flat files of a datastore, in a folder that is the restore's own. */
import { setTimeout as delay } from 'node:timers/promises'
import { InternalFault, SourceUnreadable, TargetUnwritable } from '../../contracts/errors.ts'
import type { NewDatastoreDisk, VsphereAccess } from '../../contracts/vsphere-access.ts'
import { combineCrc32 } from '../../domain/transfer/crc32.ts'
import { DatastoreFiles } from '../../vsphere-api/datastore-files.ts'
import { DatastorePuts, type PutSettings } from '../../vsphere-api/put-file.ts'
import { VimFault } from '../../vsphere-api/vim-fault.ts'
import { type VimDeps, VimSession } from '../../vsphere-api/vim-session.ts'
import type { DiskToFill, FileDiskWriter } from '../disk-writer.ts'

/** Two ranges are read at a time: one is on its way while the other is summed. */
const RANGE_BYTES = 8 * 2 ** 20
const RANGES = 2

interface WriterDeps extends VimDeps {
  puts?: PutSettings
}

const realDeps: WriterDeps = { now: () => new Date(), sleep: (milliseconds) => delay(milliseconds) }

/** A session of its own: it ends with the writer, and no cookie is kept anywhere. */
export function openDatastoreWriter(site: string, given: VsphereAccess, deps: WriterDeps = realDeps): FileDiskWriter {
  // Tickets of hosts are for what is read often. What is written passes the vCenter, and so does what proves it.
  const access: VsphereAccess = { ...given, transport: 'vcenter' }
  const session = new VimSession(site, access, deps)
  const { puts: putSettings } = deps
  const puts = new DatastorePuts({ site, access, session, ...(putSettings ? { settings: putSettings } : {}) })
  const files = new DatastoreFiles({ site, access, session })

  async function begin(disk: DiskToFill): Promise<string> {
    const { datastore, datacenterId, folder, path } = placeOf(disk)
    try {
      const content = await session.content()
      await session.write({
        method: 'MakeDirectory',
        on: content.ref('fileManager'),
        args: [
          ['name', `[${datastore}] ${folder}`],
          ['datacenter', { type: 'Datacenter', id: datacenterId }],
          ['createParentDirectories', false],
        ],
      })
    } catch (error) {
      // Its name bears the token of the restore: it is ours, made by an earlier call or for another disk.
      if (!(error instanceof VimFault && error.type === 'FileAlreadyExists')) {
        throw factOf(session.fact(error, `Site ${site}, [${datastore}] ${folder}`, 'MakeDirectory'))
      }
    }
    return `[${datastore}] ${path}`
  }

  async function sumOf(disk: DiskToFill, signal: AbortSignal): Promise<number | undefined> {
    const { datacenter, datastore, path, sizeBytes } = placeOf(disk)
    const about = `[${datastore}] ${path}`
    const opened = await files
      .open({ datacenter, datastore, path, host: '' }, about, async () => true)
      .catch((error: unknown) => {
        if (error instanceof SourceUnreadable) return undefined
        throw error
      })
    if (opened === undefined) return undefined
    try {
      if (opened.identity.sizeBytes !== sizeBytes) return undefined
      const room = Array.from({ length: RANGES }, () => Buffer.allocUnsafeSlow(RANGE_BYTES))
      let whole = 0
      for (let at = 0; at < sizeBytes; at += RANGES * RANGE_BYTES) {
        const ranges = room.flatMap((buffer, index) => {
          const from = at + index * RANGE_BYTES
          return from < sizeBytes ? [{ from, target: buffer.subarray(0, Math.min(RANGE_BYTES, sizeBytes - from)) }] : []
        })
        const sums = await Promise.all(ranges.map(({ from, target }) => opened.read(from, target, signal)))
        for (const [index, sum] of sums.entries()) whole = combineCrc32(whole, sum, ranges[index]?.target.length ?? 0)
      }
      return whole
    } finally {
      opened.close()
    }
  }

  return {
    begin,
    sumOf,
    put: (disk, content, signal) => {
      const { sizeBytes, ...file } = placeOf(disk)
      return puts.put(file, sizeBytes, content, signal)
    },
    close: async () => {
      puts.close()
      await session.close()
    },
  }
}

function placeOf({ target, fileName }: DiskToFill): NewDatastoreDisk {
  if (target.type === 'datastore-disk') return target
  throw new InternalFault(`${fileName} is to become no file of a datastore.`)
}

/** A folder that can't be made keeps the disks from being written. */
function factOf(fact: unknown): unknown {
  return fact instanceof Error && fact.name === 'GuestNotFound'
    ? new TargetUnwritable(`${fact.message.replace(/ The guest was removed.*$/, '')} Restore again.`, { cause: fact })
    : fact
}
