/** Opens TLS connections to a site; a connection is handed over only after the peer proved who it is. */
import { X509Certificate } from 'node:crypto'
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import type { buildConnector } from 'undici'
import { InvalidSite, type TlsIdentityMismatch } from '../../contracts/errors.ts'
import type { Tls } from '../../contracts/tls.ts'
import { identityMismatch } from './errors.ts'

/** A function that undici's client calls for each connection it needs. */
export type Connector = buildConnector.connector

/**
 * A connector for one site.
 *
 * Node's own check (`rejectUnauthorized`) is off in every mode and done here in its place, before the first byte leaves:
 * with it off, `checkServerIdentity` isn't even called when the chain fails, so a pin compared there accepts anything;
 * with it on, a self-signed leaf never gets as far as a comparison, and an error can't tell the fingerprint it saw.
 * `authorized` is false unless chain and host name are both good. Sessions are never resumed: a resumed one skips
 * the certificate.
 * @throws InvalidSite when the authority isn't a certificate
 */
export function tlsConnector(tls: Tls, site: string, timeoutMs: number): Connector {
  const secureContext = contextOf(tls, site)
  return ({ hostname, port }, callback) => {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const endpoint = `https://${hostname}${port === '' ? '' : `:${port}`}`
    const socket = connect({
      host,
      port: port === '' ? 443 : Number(port),
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    })
    let settled = false
    const settle = (error: Error | undefined) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      if (error === undefined) return callback(null, socket)
      socket.destroy()
      callback(error, null)
    }
    const timer = setTimeout(() => settle(new Error(`no connection within ${timeoutMs / 1000} s`)), timeoutMs)
    socket.setNoDelay(true)
    socket.on('error', settle)
    socket.once('close', () => settle(new Error('the connection was closed during the handshake')))
    socket.once('secureConnect', () => settle(verify(socket, tls, endpoint, site)))
  }
}

function verify(socket: TLSSocket, tls: Tls, endpoint: string, site: string): TlsIdentityMismatch | undefined {
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256
  const seen = fingerprint === undefined ? {} : { fingerprint }
  if (tls.mode === 'fingerprint') {
    const known = fingerprint !== undefined && tls.fingerprints.some((pin) => bare(pin) === bare(fingerprint))
    if (known && !socket.isSessionReused()) return undefined
    return identityMismatch(endpoint, seen, tls.fingerprints, site)
  }
  if (socket.authorized && fingerprint !== undefined && !socket.isSessionReused()) return undefined
  // Declared as an Error, in fact a code string.
  const complaint = String(socket.authorizationError ?? 'no verified certificate')
  return identityMismatch(endpoint, { ...seen, complaint }, [], site)
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toUpperCase()
}

function contextOf(tls: Tls, site: string) {
  if (tls.mode !== 'ca') return createSecureContext()
  try {
    // OpenSSL passes over blocks that it can't read, so each is read here first.
    const blocks = tls.ca.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? ['']
    return createSecureContext({ ca: blocks.map((block) => new X509Certificate(block).toString()) })
  } catch (error) {
    throw new InvalidSite(`Site ${site}: tls.ca can't be read as a PEM certificate. Paste /etc/pve/pve-root-ca.pem.`, {
      cause: error,
    })
  }
}
