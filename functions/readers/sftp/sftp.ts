import { ConnectionDropped, ShortRead, SourceUnreadable } from '../../contracts/errors.ts'
import type { SourceIdentity, SiteFileLocation } from '../../contracts/nouns.ts'
import type { SftpRoute } from '../../contracts/route.ts'
import { mapPath } from '../../ssh/map-path.ts'
import { SftpRefusal } from '../../ssh/sftp/sftp-client.ts'
import {
  openSftpSession,
  sftpDefaults,
  type SftpSession,
  type SftpSettings,
  type Unusable,
} from '../../ssh/sftp/sftp-session.ts'
import { statusCode } from '../../ssh/sftp/sftp-wire.ts'
import { missingAdvice, missingFolderAdvice } from '../missing-source.ts'
import type { Reader, Route } from '../reader.ts'
import { siteFileOf } from '../site-file.ts'
import { sooner } from '../sooner.ts'

const FILE_TYPE_MASK = 0o170000
const REGULAR_FILE = 0o100000
const FOLDER = 0o040000
const unusable: Unusable = (message, options) => new SourceUnreadable(message, options)
const CLEAR_REFUSALS: readonly number[] = [statusCode.noSuchFile, statusCode.permissionDenied]

/** The host that stands for a node. */
function hostOf(route: SftpRoute, node: string): string {
  return route.host.replaceAll('{node}', node)
}

/** The fact behind the server's refusal. Anything else passes as it is. */
function refusalFact(
  error: unknown,
  path: string,
  where: string,
  username: string,
  whenMissing = missingAdvice,
): unknown {
  if (!(error instanceof SftpRefusal)) return error
  const cause = { cause: error }
  switch (error.code) {
    case statusCode.eof:
      return new ShortRead(`${path} on ${where} ended before its size was reached`, cause)
    case statusCode.noSuchFile:
      return new SourceUnreadable(
        `${path} doesn't exist on ${where}, as user ${username} sees it. ${whenMissing}`,
        cause,
      )
    case statusCode.permissionDenied:
      return new SourceUnreadable(
        `user ${username} may not read ${path} on ${where}. Give the account read access to the file and to every folder above it (group, ACL)`,
        cause,
      )
    case statusCode.noConnection:
    case statusCode.connectionLost:
      return new ConnectionDropped(`${where} lost its own connection to ${path}: ${error.message}`, cause)
    default:
      return new SourceUnreadable(
        `${where} failed to read ${path}: ${error.message}. Check the storage on the node`,
        cause,
      )
  }
}

/**
 * May files in the folder be opened? `/.` asks for the right to enter it, and not for that to list it, which an account
 * for reading need not have.
 */
async function enterFolder({ sftp }: SftpSession, path: string, where: string, username: string): Promise<void> {
  try {
    const { mode } = await sftp.stat(`${path}/.`)
    if (mode === undefined || (mode & FILE_TYPE_MASK) === FOLDER) return
    throw new SourceUnreadable(`${path} on ${where} is not a folder. Check route.pathPrefix`)
  } catch (error) {
    // What else a server says of a folder proves nothing about the files in it.
    if (error instanceof SftpRefusal && !CLEAR_REFUSALS.includes(error.code)) return
    throw refusalFact(error, path, where, username, missingFolderAdvice)
  }
}

/** Bytes over SFTP. Each reader has an SSH connection of its own. */
export function openSftpRoute(site: string, route: SftpRoute, overrides: Partial<SftpSettings> = {}): Route {
  const settings = { ...sftpDefaults, ...overrides }
  return {
    endOf: (node) => `${hostOf(route, node)}:${route.port}`,
    async check(node, { folder, withinMilliseconds } = {}) {
      const host = hostOf(route, node)
      const session = await openSftpSession(site, host, route, sooner(settings, withinMilliseconds), unusable)
      try {
        const where = `${host} (site ${site}, node ${node})`
        if (folder !== undefined) await enterFolder(session, mapPath(folder, route.pathPrefix), where, route.username)
      } finally {
        await session.close()
      }
    },
    async open(source) {
      const location = siteFileOf(site, source)
      const session = await openSftpSession(site, hostOf(route, location.node), route, settings, unusable)
      try {
        return await openReader(session, location)
      } catch (error) {
        await session.close()
        throw error
      }
    },
  }

  async function openReader(session: SftpSession, location: SiteFileLocation): Promise<Reader> {
    const { sftp } = session
    const path = mapPath(location.path, route.pathPrefix)
    const where = `${hostOf(route, location.node)} (site ${site}, node ${location.node})`
    const orFact = <T>(work: Promise<T>): Promise<T> =>
      work.catch((error: unknown) => {
        throw refusalFact(error, path, where, route.username)
      })

    const stat = async (): Promise<SourceIdentity> => {
      const { sizeBytes, mode, modifiedAtSeconds } = await orFact(sftp.stat(path))
      if (mode !== undefined && (mode & FILE_TYPE_MASK) !== REGULAR_FILE) {
        throw new SourceUnreadable(`${path} on ${where} is not a regular file`)
      }
      if (sizeBytes === undefined || modifiedAtSeconds === undefined) {
        throw new SourceUnreadable(`${where} doesn't report size and time of ${path}; use a server that does (OpenSSH)`)
      }
      return { sizeBytes, modifiedAt: new Date(modifiedAtSeconds * 1000).toISOString() }
    }

    // Both at once: over distance, each round trip of the set-up delays the first byte.
    const askedAt = performance.now()
    const [opened, handle] = await Promise.all([
      stat().finally(() => session.allow(performance.now() - askedAt)),
      orFact(sftp.open(path)),
    ])
    return {
      opened,
      stat,
      read: (positionBytes, target, signal) => orFact(sftp.read(handle, positionBytes, target, signal)),
      close: () => session.close(),
    }
  }
}
