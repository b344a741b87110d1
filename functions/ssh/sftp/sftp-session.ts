import type { ClientChannel } from 'ssh2'
import { ConnectionDropped, type GuestliftError } from '../../contracts/errors.ts'
import type { SshLogin } from '../../contracts/route.ts'
import { connectSsh, type SshConnection, type SshTimeouts } from '../ssh-connection.ts'
import { GRANT_BYTES, growWindow, takeData } from '../ssh2-insides.ts'
import { SftpClient } from './sftp-client.ts'

export interface SftpSettings extends SshTimeouts {
  /** Bytes asked for at once. OpenSSH answers at most 256 KiB less its header; 255 KiB beats 32 KiB by 15 %. */
  requestBytes: number
  /** Limits of the bytes under way, see `bytesUnderWay`. */
  leastUnderWayBytes: number
  mostUnderWayBytes: number
}

export const sftpDefaults: SftpSettings = {
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
function bytesUnderWay(roundTripMilliseconds: number, settings: SftpSettings): number {
  const wanted = Math.round((RATE_TO_ALLOW_BYTES_PER_SECOND * roundTripMilliseconds) / 1000)
  return Math.min(settings.mostUnderWayBytes, Math.max(settings.leastUnderWayBytes, wanted))
}

/** Requests that leave together, 2 MiB: every message costs a packet and a system call (8 for 4: 3 % less CPU). */
const REQUEST_GROUP = 8

/** The fact for a server that gives the account no SFTP. */
export type Unusable = (message: string, options?: ErrorOptions) => GuestliftError

/** An SFTP session on a connection of its own. */
export interface SftpSession {
  sftp: SftpClient
  /** Let as much be under way as a line of this round trip takes. To be called once, before the first read. */
  allow(roundTripMilliseconds: number): void
  /**
   * How many channels keep a line of that round trip full with what is written: OpenSSH lets 2 MiB at a time come in by
   * each (its window), whatever we would send.
   */
  readonly channelsToFill: number
  /**
   * A further channel on the same connection, with a process of its own on the server; `undefined` when the server
   * gives no more (`MaxSessions`, 10 by default in OpenSSH).
   */
  another(): Promise<SftpClient | undefined>
  close(): Promise<void>
}

/** OpenSSH's window of a session's channel: 64 packets of 32 KiB (channels.h, CHAN_SES_WINDOW_DEFAULT). */
const SERVER_WINDOW_BYTES = 2 * 2 ** 20
/** OpenSSH gives ten sessions by default; some are left to others of the account that share a connection's limit. */
const MOST_CHANNELS = 8

/**
 * Connect, log in and agree on the version. Silence while an answer is due ends the session.
 * @throws HostKeyMismatch, RouteLoginRejected, InvalidSite, ConnectionDropped, and `unusable` without SFTP
 */
export async function openSftpSession(
  site: string,
  host: string,
  login: SshLogin,
  settings: SftpSettings,
  unusable: Unusable,
): Promise<SftpSession> {
  const connection = await connectSsh(site, host, login, settings)
  const where = `the SSH server ${host}:${login.port} of site ${site}`
  const channels: Channel[] = []
  let ended = false
  const end = (reason: GuestliftError): void => {
    ended = true
    clearTimeout(silence)
    for (const { sftp } of channels) sftp.fail(reason)
    connection.destroy()
  }
  // Silence counts from the last thing said by either side: a request after a long pause has its whole time.
  const onSilence = (): void => {
    if (channels.some(({ sftp }) => sftp.waiting)) {
      end(new ConnectionDropped(`${where} sent nothing for ${settings.idleMilliseconds / 1000} s`))
    } else silence.refresh()
  }
  const silence = setTimeout(onSilence, settings.idleMilliseconds).unref()
  connection.onLost(end)
  let underWayBytes: number | undefined
  const open = async (): Promise<SftpClient> => {
    const channel = await openChannel(connection, where, login, unusable)
    let started = false
    // One that ends before it began is refused; what was opened before goes on.
    const endOf = (sftp: SftpClient) => (reason: GuestliftError) => (started ? end(reason) : sftp.fail(reason))
    const opened = attach(channel, connection, { where, settings, endOf, heard: () => silence.refresh() })
    channels.push(opened)
    await opened.sftp.start()
    started = true
    if (underWayBytes !== undefined) opened.allow(underWayBytes)
    return opened.sftp
  }
  try {
    return {
      sftp: await open(),
      allow: (roundTripMilliseconds) => {
        underWayBytes = bytesUnderWay(roundTripMilliseconds, settings)
        for (const channel of channels) channel.allow(underWayBytes)
      },
      get channelsToFill() {
        return Math.min(MOST_CHANNELS, Math.ceil((underWayBytes ?? 0) / SERVER_WINDOW_BYTES))
      },
      another: async () => {
        try {
          return await open()
        } catch (error) {
          if (ended) throw error
          return undefined
        }
      },
      close: async () => {
        clearTimeout(silence)
        await connection.close()
        for (const { sftp } of channels) {
          sftp.fail(new ConnectionDropped(`the connection to ${where} was closed by its user`))
        }
      },
    }
  } catch (error) {
    clearTimeout(silence)
    await connection.close()
    throw error
  }
}

interface Channel {
  sftp: SftpClient
  allow(underWayBytes: number): void
}

/** An SFTP client on a channel. What ends the channel ends the session. */
function attach(
  channel: ClientChannel,
  connection: SshConnection,
  session: {
    where: string
    settings: SftpSettings
    endOf: (sftp: SftpClient) => (reason: GuestliftError) => void
    heard: () => void
  },
): Channel {
  const { where, settings, endOf, heard } = session
  const write = (bytes: Buffer): void => {
    heard()
    connection.gather()
    channel.write(bytes)
  }
  const tuning = { requestBytes: settings.requestBytes, outstandingReads: 16, requestGroup: REQUEST_GROUP }
  const sftp = new SftpClient({ write }, tuning)
  const end = endOf(sftp)
  channel.on('close', () => end(new ConnectionDropped(`${where} closed the SFTP session`)))
  channel.on('error', (error: Error) => end(new ConnectionDropped(`${where}: ${error.message}`, { cause: error })))
  channel.stderr.resume()
  let consumed: ((bytes: number) => void) | undefined
  const onData = (chunk: Buffer): void => {
    heard()
    try {
      sftp.receive(chunk)
    } catch (error) {
      end(
        new ConnectionDropped(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }),
      )
    }
    consumed?.(chunk.length)
  }
  channel.on('data', onData)
  return {
    sftp,
    allow: (underWayBytes) => {
      consumed = growWindow(channel, underWayBytes)
      if (consumed !== undefined) takeData(channel, onData)
      const windowBytes = underWayBytes + GRANT_BYTES
      tuning.outstandingReads = Math.ceil(windowBytes / settings.requestBytes) + tuning.requestGroup
    },
  }
}

function openChannel(
  connection: SshConnection,
  where: string,
  login: SshLogin,
  unusable: Unusable,
): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>()
  connection.onLost(reject)
  connection.client.subsys('sftp', (error, channel) => {
    if (error === undefined) resolve(channel)
    else {
      reject(
        unusable(
          `${where} gives user ${login.username} no SFTP session: ${error.message}. ` +
            'Check that sshd_config has `Subsystem sftp internal-sftp` and lets this account use it',
          { cause: error },
        ),
      )
    }
  })
  return promise
}
