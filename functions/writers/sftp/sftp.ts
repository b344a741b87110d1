import { TargetUnwritable } from '../../contracts/errors.ts'
import type { SshLogin } from '../../contracts/route.ts'
import { freeBytes, lstat, remove } from '../../ssh/sftp/sftp-files.ts'
import {
  openSftpSession,
  sftpDefaults,
  type SftpSession,
  type SftpSettings,
  type Unusable,
} from '../../ssh/sftp/sftp-session.ts'
import { type FileAttributes, isFolder, isRegular } from '../../ssh/sftp/sftp-wire.ts'
import { type FoundFile, landing } from '../landing.ts'
import { folderOf, ownNamesOf, placeOf } from '../place.ts'
import type { Delivery } from '../writer.ts'
import { refusalFact } from './sftp-target-facts.ts'
import { SftpWriter } from './sftp-writer.ts'

const unusable: Unusable = (message, options) => new TargetUnwritable(message, options)

function foundFile(attributes: FileAttributes | undefined): FoundFile | undefined {
  return attributes === undefined ? undefined : { sizeBytes: attributes.sizeBytes ?? 0, regular: isRegular(attributes) }
}

/** Functions write the file over SFTP. Each writer has an SSH connection of its own. */
export function openSftpDelivery(site: string, login: SshLogin, overrides: Partial<SftpSettings> = {}): Delivery {
  const settings = { ...sftpDefaults, ...overrides }
  const hostOf = (node: string): string => login.host.replaceAll('{node}', node)
  const whereOf = (node: string): string => `${hostOf(node)} (site ${site}, node ${node})`

  /** Enters the folder, and learns from the way there how much may be under way. @throws TargetUnwritable */
  async function openIn(node: string, folder: string): Promise<SftpSession> {
    const session = await openSftpSession(site, hostOf(node), login, settings, unusable)
    try {
      const askedAt = performance.now()
      const there = await session.sftp.stat(`${folder}/.`)
      session.allow(performance.now() - askedAt)
      if (!isFolder(there)) {
        throw new TargetUnwritable(`${folder} on ${whereOf(node)} is not a folder. Check the storage's path.`)
      }
      return session
    } catch (error) {
      await session.close()
      throw refusalFact(error, folder, whereOf(node), login.username)
    }
  }

  return {
    async open(target) {
      const place = placeOf(target, login.pathPrefix)
      const who = { where: whereOf(target.node), username: login.username }
      const session = await openIn(target.node, place.folder)
      const { sftp } = session
      try {
        const [temporary, final, free] = await Promise.all([
          lstat(sftp, place.temporary),
          lstat(sftp, place.final),
          freeBytes(sftp, place.folder),
        ])
        const there = { temporary: foundFile(temporary), final: foundFile(final), freeBytes: free }
        return new SftpWriter(session, place, target, landing(place, who.where, target, there), who)
      } catch (error) {
        await session.close()
        throw refusalFact(error, place.folder, who.where, who.username)
      }
    },
    async check(node, folder) {
      const inside = folderOf(folder, login.pathPrefix)
      const session = await openIn(node, inside)
      try {
        const free = await freeBytes(session.sftp, inside)
        return free === undefined ? {} : { freeBytes: free }
      } catch (error) {
        throw refusalFact(error, inside, whereOf(node), login.username)
      } finally {
        await session.close()
      }
    },
    async remove(target) {
      const names = ownNamesOf(target, login.pathPrefix)
      const inside = folderOf(target.folder, login.pathPrefix)
      const session = await openIn(target.node, inside)
      try {
        for (const name of names) await remove(session.sftp, name)
      } catch (error) {
        throw refusalFact(error, inside, whereOf(target.node), login.username)
      } finally {
        await session.close()
      }
    },
    endOf: (node) => `${hostOf(node)}:${login.port}`,
  }
}
