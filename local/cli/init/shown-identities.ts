/** What servers show of themselves to everybody: asked for without a credential, to be compared by a person. */
import { createHash } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import { Client } from 'ssh2'
import { CliError } from '../../run/cli-error.ts'

const PATIENCE_MILLISECONDS = 8_000

export interface ShownServer {
  /** SHA-256 of its certificate, as `AB:CD:…`. */
  fingerprint: string
  /** What it is for, and until when. */
  names: string
  validTo: string
  /** A public authority vouches for it under the name that was called. */
  trusted: boolean
}

/** @throws CliError when nobody answers there, or not over TLS */
export async function shownCertificate(address: URL): Promise<ShownServer> {
  const socket = await opened(address)
  try {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) throw new CliError(`${address.origin} shows no certificate. Check the address.`)
    return {
      fingerprint: certificate.fingerprint256,
      names: certificate.subjectAltName ?? certificate.subject.replaceAll('\n', ', '),
      validTo: certificate.validTo,
      trusted: socket.authorized,
    }
  } finally {
    socket.destroy()
  }
}

function opened({ hostname, port, origin }: URL): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  // Only to look at what is shown: nothing is sent over it.
  const socket = connect({ host, port: port === '' ? 443 : Number(port), rejectUnauthorized: false })
  const fail = (why: string) => {
    socket.destroy()
    reject(new CliError(`${origin} can't be reached: ${why}. Check the address, the port and the network in between.`))
  }
  socket.setTimeout(PATIENCE_MILLISECONDS, () => fail(`it was silent for ${PATIENCE_MILLISECONDS / 1000} seconds`))
  socket.once('error', (error) => fail(error.message))
  socket.once('secureConnect', () => resolve(socket))
  return promise
}

export interface SshAddress {
  username: string
  host: string
  port: number
}

/** The host key that an SSH server shows, as `SHA256:…`. It is refused, so that no login follows. @throws CliError */
export function shownHostKey({ host, port }: SshAddress): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const client = new Client()
  client.on('error', (error) =>
    reject(
      new CliError(
        `The SSH server ${host}:${port} can't be reached: ${error.message}. Check host and port, and that the network lets SSH through.`,
      ),
    ),
  )
  client.on('close', () => reject(new CliError(`The SSH server ${host}:${port} shows no host key.`)))
  client.connect({
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port,
    username: 'nobody',
    readyTimeout: PATIENCE_MILLISECONDS,
    hostVerifier: (key: Buffer) => {
      resolve(`SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`)
      return false
    },
  })
  return promise
}
