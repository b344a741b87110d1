/** Disks of vSphere: files of a datastore that a snapshot or a clone of ours holds still. */
import { setTimeout as delay } from 'node:timers/promises'
import { LineTooSlow, ShortRead, SourceChanged } from '../../contracts/errors.ts'
import type { SourceLocation } from '../../contracts/nouns.ts'
import {
  datastoreFileLocationSchema,
  type DatastoreFileLocation,
  type VsphereAccess,
} from '../../contracts/vsphere-access.ts'
import type { FileServerSettings } from '../../http-file/https-file.ts'
import { DatastoreFiles } from '../../vsphere-api/datastore-files.ts'
import { isStillHeld } from '../../vsphere-api/held.ts'
import { type VimDeps, VimSession } from '../../vsphere-api/vim-session.ts'
import type { Reader, Route } from '../reader.ts'
import { unreadableType } from '../site-file.ts'

const realDeps: VimDeps = { now: () => new Date(), sleep: (milliseconds) => delay(milliseconds) }

/** A session of its own for each reader: it ends with the reader, and no cookie is kept anywhere. */
export function openDatastoreRoute(
  site: string,
  access: VsphereAccess,
  deps: VimDeps = realDeps,
  settings?: FileServerSettings,
): Route {
  return {
    // Limits on connections hold for what is read from.
    endOf: (node) => (access.transport === 'host' ? `https://${node}` : access.endpoint),
    check: async () => undefined,
    open: (location) => openFile(site, access, location, deps, settings),
  }
}

async function openFile(
  site: string,
  access: VsphereAccess,
  source: SourceLocation,
  deps: VimDeps,
  settings: FileServerSettings | undefined,
): Promise<Reader> {
  const read = datastoreFileLocationSchema.safeParse(source)
  if (!read.success) throw unreadableType(site, source)
  const location = read.data
  requireTime(site, location, deps.now())
  const session = new VimSession(site, access, deps)
  const about = `[${location.datastore}] ${location.path}, host ${location.node}`
  const files = new DatastoreFiles({ site, access, session, ...(settings === undefined ? {} : { settings }) })
  const isHeld = () => held(session, location, `Site ${site}, ${about}`)
  try {
    if (!(await isHeld())) throw notHeld(site, location)
    const file = await files.open({ ...location, host: location.node }, about, isHeld)
    if (file.identity.sizeBytes !== location.sizeBytes) {
      throw new SourceChanged(
        `Site ${site}: ${about} has ${file.identity.sizeBytes} bytes, and the platform listed ${location.sizeBytes}. Repeat the guest.`,
      )
    }
    return {
      opened: file.identity,
      stat: () => file.stat(),
      read: async (positionBytes, target, signal) => {
        const endBytes = positionBytes + target.length
        if (endBytes > location.sizeBytes) {
          throw new ShortRead(
            `Site ${site}: ${about} has ${location.sizeBytes} bytes, and ${endBytes} were to be read.`,
          )
        }
        return file.read(positionBytes, target, signal)
      },
      close: async () => {
        file.close()
        await session.close()
      },
    }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** @throws LineTooSlow when what holds the file has stayed for as long as it may */
function requireTime(site: string, { heldBy, node, path }: DatastoreFileLocation, now: Date): void {
  if (heldBy.until === undefined || now.getTime() < Date.parse(heldBy.until)) return
  throw new LineTooSlow(
    `Site ${site}, host ${node}: ${path} is not copied, and the ${heldBy.kind} ${heldBy.name} may not stay any longer ` +
      '(`snapshot.maxHours`). It is removed. Give the copy more bandwidth, or let it stay longer.',
  )
}

async function held(session: VimSession, { heldBy }: DatastoreFileLocation, where: string): Promise<boolean> {
  try {
    return await isStillHeld(session, heldBy.guestId, heldBy.kind === 'snapshot' ? heldBy.name : undefined)
  } catch (error) {
    throw session.fact(error, where, 'looking for our snapshot')
  }
}

function notHeld(site: string, { heldBy, path, node }: DatastoreFileLocation): SourceChanged {
  return new SourceChanged(
    `Site ${site}, host ${node}: the ${heldBy.kind} ${heldBy.name} that held ${path} still is gone. ` +
      'Someone removed it, or the guest. What the file holds now is another state: repeat the guest.',
  )
}
