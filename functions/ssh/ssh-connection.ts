import { createHash } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2'
import {
  ConnectionDropped,
  type GuestliftError,
  HostKeyMismatch,
  InvalidSite,
  RouteLoginRejected,
} from '../contracts/errors.ts'
import type { SshLogin } from '../contracts/route.ts'
import { readPrivateKey } from './private-key.ts'
import { easeDecryption } from './ssh2-insides.ts'

/** An open, authenticated connection. Listeners of `onLost` are called once, when it ends for any reason but `close`. */
export interface SshConnection {
  client: Client
  /** Have what is sent from here to the end of this turn of the event loop leave together: fewer system calls. */
  gather(): void
  /** End at once, for a peer that doesn't answer. */
  destroy(): void
  onLost(listener: (reason: GuestliftError) => void): void
  close(): Promise<void>
}

export interface SshTimeouts {
  /** From the first SYN to the accepted login. */
  connectMilliseconds: number
  /** How long the peer may be silent while an answer is due. */
  idleMilliseconds: number
}

/** AES-GCM costs the least per byte; the others are for servers that lack it. */
const CIPHERS = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
] as const

/** Kinds of host keys, in the order asked for, and the algorithms that use each. */
const HOST_KEY_ALGORITHMS: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}

const KEEPALIVE_MILLISECONDS = 10_000
/** A server that was asked to end politely gets this long. */
const FAREWELL_MILLISECONDS = 1_000

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The kind stands at the front of a public key's blob, as a string with its length (RFC 4253, 6.6). */
function keyKind(key: Buffer): string {
  return key.toString('latin1', 4, 4 + key.readUInt32BE(0))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What went wrong before the connection was ready. ssh2 marks its errors with a `level`. */
function connectFact(error: Error, where: string, route: SshLogin): GuestliftError {
  const level = 'level' in error ? error.level : undefined
  const cause = { cause: error }
  if (level === 'client-authentication') {
    const offered = route.password === undefined ? 'key' : 'password'
    return new RouteLoginRejected(
      `${where} refused user ${route.username} with the ${offered} of the site's route. ` +
        `Check username and ${offered}, and the account's rights to log in over SSH (AllowUsers, authorized_keys, expired password)`,
      cause,
    )
  }
  if (level === 'handshake' && /no matching/i.test(error.message)) {
    return new RouteLoginRejected(`${where} and Guestlift have no SSH algorithm in common: ${error.message}`, cause)
  }
  return new ConnectionDropped(
    `can't connect to ${where}: ${error.message}. Check its host and port in the site, and that the network lets SSH through`,
    cause,
  )
}

/** Large reads from the socket: fewer calls, and fewer messages in answer (1 MiB for 256 KiB: 3 % less CPU). */
const RECEIVE_BYTES = 2 ** 20

/**
 * A TCP connection whose bytes arrive in one buffer that is used again and again, once `reusable` says that nothing
 * keeps slices of it. Node's own way allocates 64 KiB for each read.
 */
function openSocket(route: SshLogin, host: string, reusable: () => boolean): Socket {
  const socket: Socket = connectTcp({
    host,
    port: route.port,
    onread: {
      buffer: Buffer.allocUnsafeSlow(RECEIVE_BYTES),
      callback: (bytes, buffer) => {
        const received = Buffer.from(buffer.buffer, buffer.byteOffset, bytes)
        // What is said in answer to one read leaves together.
        socket.cork()
        socket.emit('data', reusable() ? received : Buffer.from(received))
        socket.uncork()
        return true
      },
    },
  })
  return socket
}

/** One attempt. `seen` gets the host key that the server showed. */
function attempt(
  where: string,
  config: ConnectConfig,
  route: SshLogin,
  seen: { key?: Buffer },
): Promise<SshConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<SshConnection>()
  const client = new Client()
  let eased = false
  const socket = openSocket(route, config.host ?? '', () => eased)
  const listeners: ((reason: GuestliftError) => void)[] = []
  let lostBy: GuestliftError | undefined
  const lose = (reason: GuestliftError): void => {
    lostBy ??= reason
    for (const listener of listeners.splice(0)) listener(reason)
  }
  let closing = false
  let gathering = false
  let lastError: Error | undefined
  const closed = Promise.withResolvers<void>()

  client.on('error', (error) => {
    lastError ??= error
    reject(connectFact(error, where, route))
    lose(new ConnectionDropped(`the connection to ${where} broke: ${error.message}`, { cause: error }))
    // ssh2 only half-closes after an error; with a peer that is gone, the socket would stay open.
    socket.destroy()
  })
  client.on('close', () => {
    closed.resolve()
    reject(new ConnectionDropped(`${where} closed the connection during login`, { cause: lastError }))
    if (!closing) lose(new ConnectionDropped(`${where} closed the connection`, { cause: lastError }))
  })
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) => {
    // Servers with PAM may ask for the password this way. Anything beyond one hidden answer is a second factor.
    finish(prompts.length === 1 && route.password !== undefined ? [route.password] : [])
  })
  // Follows each key exchange, also those in the middle of a long transfer.
  client.on('handshake', () => {
    eased = easeDecryption(client)
  })
  client.on('ready', () => {
    // Without it, Nagle's algorithm and delayed ACKs halve the speed of SFTP.
    client.setNoDelay(true)
    resolve({
      client,
      gather: () => {
        if (gathering) return
        gathering = true
        socket.cork()
        process.nextTick(() => {
          gathering = false
          socket.uncork()
        })
      },
      destroy: () => socket.destroy(),
      onLost: (listener) => {
        if (lostBy === undefined) listeners.push(listener)
        else listener(lostBy)
      },
      close: async () => {
        closing = true
        const said = new Promise((resolve) => socket.once('finish', resolve))
        client.end()
        const timer = setTimeout(() => socket.destroy(), FAREWELL_MILLISECONDS).unref()
        void closed.promise.then(() => clearTimeout(timer))
        // The server's own farewell would be a round trip more.
        await Promise.race([said, closed.promise])
      },
    })
  })
  try {
    client.connect({
      ...config,
      sock: socket,
      hostVerifier: (key: Buffer) => {
        seen.key = key
        return route.hostKeys.some((pinned) => pinned.replace(/=+$/, '') === fingerprint(key))
      },
    })
  } catch (error) {
    // ssh2 reads the private key here. Its message doesn't hold the key.
    socket.destroy()
    reject(
      new InvalidSite(`the route's private key can't be used: ${messageOf(error)}. Check privateKey and passphrase`, {
        cause: error,
      }),
    )
  }
  return promise
}

/**
 * Connect and log in to the route's server at `host`. No credential leaves before the host key has matched a pinned
 * one. A server has keys of several kinds and the operator may have pinned any of them, so on a mismatch the other
 * kinds are asked for before giving up.
 * @throws HostKeyMismatch, RouteLoginRejected, InvalidSite, ConnectionDropped
 */
export async function connectSsh(
  site: string,
  host: string,
  route: SshLogin,
  timeouts: SshTimeouts,
): Promise<SshConnection> {
  const where = `the SSH server ${host}:${route.port} of site ${site}`
  const shown: string[] = []
  const kinds = new Set(Object.keys(HOST_KEY_ALGORITHMS))
  const key = route.privateKey === undefined ? {} : readPrivateKey(route.privateKey, route.passphrase)
  while (kinds.size > 0) {
    const seen: { key?: Buffer } = {}
    const config: ConnectConfig = {
      // In brackets, as URLs have it, an IPv6 address is no name that can be resolved.
      host: host.replace(/^\[(.*)\]$/, '$1'),
      port: route.port,
      username: route.username,
      ...(route.password === undefined ? {} : { password: route.password, tryKeyboard: true }),
      ...key,
      // Without ssh2's question which methods there are: a round trip, and the answer wouldn't change what is tried.
      authHandler: route.privateKey === undefined ? ['password', 'keyboard-interactive'] : ['publickey'],
      readyTimeout: timeouts.connectMilliseconds,
      keepaliveInterval: KEEPALIVE_MILLISECONDS,
      keepaliveCountMax: Math.max(1, Math.ceil(timeouts.idleMilliseconds / KEEPALIVE_MILLISECONDS)),
      algorithms: {
        cipher: [...CIPHERS],
        serverHostKey: [...kinds].flatMap((kind) => HOST_KEY_ALGORITHMS[kind] ?? []),
        // Archives are compressed already.
        compress: ['none'],
      },
    }
    try {
      return await attempt(where, config, route, seen)
    } catch (error) {
      const exhausted = shown.length > 0 && error instanceof RouteLoginRejected && seen.key === undefined
      const known =
        seen.key !== undefined && route.hostKeys.some((pin) => seen.key && pin.startsWith(fingerprint(seen.key)))
      if (!exhausted && (seen.key === undefined || known)) throw error
      if (seen.key !== undefined) {
        shown.push(`${fingerprint(seen.key)} (${keyKind(seen.key)})`)
        // Asking for every kind makes sense only if there is something to match.
        if (route.hostKeys.length > 0 && kinds.delete(keyKind(seen.key))) continue
      }
      break
    }
  }
  const pinned = route.hostKeys.length === 0 ? 'lists no host key' : "lists other host keys than the server's"
  throw new HostKeyMismatch(
    `the route of site ${site} ${pinned}; ${where} showed ${shown.join(', ')}. No credential was sent. ` +
      'Compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the server itself, and if it is the same, add it to route.hostKeys',
  )
}
