import type { ClientChannel } from 'ssh2'
import { ConnectionDropped, type GuestliftError, ShortRead, SourceUnreadable } from '../../contracts/errors.ts'
import type { SourceIdentity, SiteFileLocation } from '../../contracts/nouns.ts'
import type { SftpRoute } from '../../contracts/route.ts'
import { missingAdvice, missingFolderAdvice } from '../missing-source.ts'
import type { Reader, Route } from '../reader.ts'
import { SftpClient, SftpRefusal } from './sftp-client.ts'
import { statusCode } from './sftp-wire.ts'
import { sooner } from '../sooner.ts'
import { GRANT_BYTES, growWindow, takeData } from '../ssh/ssh2-insides.ts'
import { connectSsh, type SshConnection, type SshTimeouts } from '../ssh/ssh-connection.ts'

export interface SftpRouteSettings extends SshTimeouts {
  /** Bytes asked for at once. OpenSSH answers at most 256 KiB less its header; 255 KiB beats 32 KiB by 15 %. */
  requestBytes: number
  /** Limits of the bytes under way, see `bytesUnderWay`. */
  leastUnderWayBytes: number
  mostUnderWayBytes: number
}

export const sftpRouteDefaults: SftpRouteSettings = {
  requestBytes: 255 * 1024,
  leastUnderWayBytes: 2 * 2 ** 20,
  mostUnderWayBytes: 32 * 2 ** 20,
  connectMilliseconds: 20_000,
  idleMilliseconds: 45_000,
}

/** Far above what one function moves (75 MB/s), so that the window isn't what limits it. */
const RATE_TO_ALLOW_BYTES_PER_SECOND = 400 * 2 ** 20

/**
 * How many bytes the server may have under way: rate × round trip. 2 MiB, where ssh2 and OpenSSH stop, is 20 MiB/s at
 * 80 ms. More than needed costs, too: sshd moves whatever waits in its buffers with each write (measured on loopback:
 * 440 MiB/s with 2 MiB under way, 130 with 24 MiB).
 */
function bytesUnderWay(roundTripMilliseconds: number, settings: SftpRouteSettings): number {
  const wanted = Math.round((RATE_TO_ALLOW_BYTES_PER_SECOND * roundTripMilliseconds) / 1000)
  return Math.min(settings.mostUnderWayBytes, Math.max(settings.leastUnderWayBytes, wanted))
}

/** Requests that leave together, 2 MiB: every message costs a packet and a system call (8 for 4: 3 % less CPU). */
const REQUEST_GROUP = 8

const FILE_TYPE_MASK = 0o170000
const REGULAR_FILE = 0o100000
const FOLDER = 0o040000
const CLEAR_REFUSALS: readonly number[] = [statusCode.noSuchFile, statusCode.permissionDenied]

/** The host that stands for a node. */
function hostOf(route: SftpRoute, node: string): string {
  return route.host.replaceAll('{node}', node)
}

/** The archive's path as this account sees it. A prefix counts only as whole folders: `/a` is no prefix of `/ab`. */
export function mapPath(path: string, prefix: SftpRoute['pathPrefix']): string {
  if (prefix === undefined) return path
  const from = prefix.from.replace(/\/+$/, '')
  if (path !== from && !path.startsWith(`${from}/`)) return path
  const to = prefix.to.replace(/\/+$/, '')
  return `${to}${path.slice(from.length)}` || '/'
}

interface Session {
  sftp: SftpClient
  /** Let as much be under way as a line of this round trip takes. To be called once, before the first read. */
  allow(roundTripMilliseconds: number): void
  close(): Promise<void>
}

/** An SFTP session on a connection of its own. Silence while an answer is due ends it. */
async function openSession(
  site: string,
  host: string,
  route: SftpRoute,
  settings: SftpRouteSettings,
): Promise<Session> {
  const connection = await connectSsh(site, host, route, settings)
  const where = `the SSH server ${host}:${route.port} of site ${site}`
  try {
    const channel = await openChannel(connection, where, route)
    // Silence counts from the last thing said by either side: a request after a long pause has its whole time.
    const write = (bytes: Buffer): void => {
      silence.refresh()
      channel.write(bytes)
    }
    const tuning = { requestBytes: settings.requestBytes, outstandingReads: 16, requestGroup: REQUEST_GROUP }
    const sftp = new SftpClient({ write }, tuning)
    const onSilence = (): void => {
      if (sftp.waiting) end(new ConnectionDropped(`${where} sent nothing for ${settings.idleMilliseconds / 1000} s`))
      else silence.refresh()
    }
    const silence = setTimeout(onSilence, settings.idleMilliseconds).unref()
    const end = (reason: GuestliftError): void => {
      clearTimeout(silence)
      sftp.fail(reason)
      connection.destroy()
    }
    connection.onLost(end)
    channel.on('close', () => end(new ConnectionDropped(`${where} closed the SFTP session`)))
    channel.on('error', (error: Error) => end(new ConnectionDropped(`${where}: ${error.message}`, { cause: error })))
    channel.stderr.resume()
    let consumed: ((bytes: number) => void) | undefined
    const onData = (chunk: Buffer): void => {
      silence.refresh()
      try {
        sftp.receive(chunk)
      } catch (error) {
        end(
          new ConnectionDropped(`${where}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          }),
        )
      }
      consumed?.(chunk.length)
    }
    channel.on('data', onData)
    await sftp.start()
    return {
      sftp,
      allow: (roundTripMilliseconds) => {
        const underWayBytes = bytesUnderWay(roundTripMilliseconds, settings)
        consumed = growWindow(channel, underWayBytes)
        if (consumed !== undefined) takeData(channel, onData)
        const windowBytes = underWayBytes + GRANT_BYTES
        tuning.outstandingReads = Math.ceil(windowBytes / settings.requestBytes) + tuning.requestGroup
      },
      close: async () => {
        clearTimeout(silence)
        await connection.close()
        sftp.fail(new ConnectionDropped(`the connection to ${where} was closed by its user`))
      },
    }
  } catch (error) {
    await connection.close()
    throw error
  }
}

function openChannel(connection: SshConnection, where: string, route: SftpRoute): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>()
  connection.onLost(reject)
  connection.client.subsys('sftp', (error, channel) => {
    if (error === undefined) resolve(channel)
    else {
      reject(
        new SourceUnreadable(
          `${where} gives user ${route.username} no SFTP session: ${error.message}. ` +
            'Check that sshd_config has `Subsystem sftp internal-sftp` and lets this account use it',
          { cause: error },
        ),
      )
    }
  })
  return promise
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
async function enterFolder({ sftp }: Session, path: string, where: string, username: string): Promise<void> {
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
export function openSftpRoute(site: string, route: SftpRoute, overrides: Partial<SftpRouteSettings> = {}): Route {
  const settings = { ...sftpRouteDefaults, ...overrides }
  return {
    endOf: (node) => `${hostOf(route, node)}:${route.port}`,
    async check(node, { folder, withinMilliseconds } = {}) {
      const host = hostOf(route, node)
      const session = await openSession(site, host, route, sooner(settings, withinMilliseconds))
      try {
        const where = `${host} (site ${site}, node ${node})`
        if (folder !== undefined) await enterFolder(session, mapPath(folder, route.pathPrefix), where, route.username)
      } finally {
        await session.close()
      }
    },
    async open(location) {
      const session = await openSession(site, hostOf(route, location.node), route, settings)
      try {
        return await openReader(session, location)
      } catch (error) {
        await session.close()
        throw error
      }
    },
  }

  async function openReader(session: Session, location: SiteFileLocation): Promise<Reader> {
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
