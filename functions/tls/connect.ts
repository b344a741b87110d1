/** Opens TLS connections; one is handed over only after the peer proved who it is. */
import { X509Certificate } from 'node:crypto'
import type { OnReadOpts, Socket } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { InvalidSite, TlsIdentityMismatch } from '../contracts/errors.ts'
import type { Tls } from '../contracts/tls.ts'
import { proxyFor, type ProxyVariables } from './proxy-choice.ts'
import { pemBlocks } from './pasted-pem.ts'
import { openTunnel } from './tunnel.ts'

export interface ShownCertificate {
  /** SHA-256 of the certificate that was shown; absent when none was. */
  fingerprint?: string
  /** Why Node.js didn't accept it, in the modes that check the chain. */
  complaint?: string
  /** It is from an accepted authority and for other names than the one that was called: these, as `pve1.example.com`. */
  names?: readonly string[]
}

/** What to say when something isn't as configured: where to look differs from server to server. */
export interface TlsFacts {
  identityMismatch(endpoint: string, shown: ShownCertificate, expected: readonly string[]): TlsIdentityMismatch
  unreadableAuthority(cause: unknown): InvalidSite
}

export interface Dial {
  /** Name or address, as it stands in a URL: IPv6 in brackets. */
  hostname: string
  port: number
  /** From the first SYN to the checked certificate. */
  timeoutMilliseconds: number
  /** Takes received bytes without a buffer for each. May be called before the connection is handed over. */
  onread?: OnReadOpts
  signal?: AbortSignal
}

/** @throws TlsIdentityMismatch, the signal's reason, or Node's own error when there is no connection */
export type Dialer = (dial: Dial) => Promise<TLSSocket>

/**
 * A dialer for one site's `tls`.
 *
 * Node's own check (`rejectUnauthorized`) is off in every mode and done here in its place, before the first byte leaves:
 * with it off, `checkServerIdentity` isn't even called when the chain fails, so a pin compared there accepts anything;
 * with it on, a self-signed leaf never gets as far as a comparison, and an error can't tell the fingerprint it saw.
 * `authorized` is false unless chain and host name are both good. Sessions are never resumed: a resumed one skips
 * the certificate. A proxy only carries the connection: what it leads to has to prove itself all the same.
 * @param ciphers in OpenSSL's notation, most wanted first; Node's own list when left out
 * @param variables what names the proxies
 * @throws InvalidSite when the authority isn't a certificate
 */
export function tlsDialer(
  tls: Tls,
  facts: TlsFacts,
  ciphers?: string,
  variables: ProxyVariables = process.env,
): Dialer {
  const secureContext = contextOf(tls, facts, ciphers)
  return async (dial) => {
    const { hostname, port, timeoutMilliseconds, signal } = dial
    const proxy = proxyFor({ protocol: 'https:', hostname, port }, variables)
    if (proxy === undefined) return handshake(dial)
    const startedAt = performance.now()
    const limit = AbortSignal.timeout(timeoutMilliseconds)
    const stop = signal === undefined ? limit : AbortSignal.any([limit, signal])
    const carrier = await openTunnel(proxy, dial, stop).catch((error: unknown) => {
      if (!limit.aborted || signal?.aborted === true) throw error
      throw new Error(`no connection through the proxy ${proxy.name} within ${timeoutMilliseconds / 1000} s`)
    })
    const left = Math.max(1, timeoutMilliseconds - (performance.now() - startedAt))
    return handshake({ ...dial, timeoutMilliseconds: left }, carrier)
  }

  /** @param carrier the connection to speak over, where this process doesn't make it itself */
  function handshake(
    { hostname, port, timeoutMilliseconds, onread, signal }: Dial,
    carrier?: Socket,
  ): Promise<TLSSocket> {
    const endpoint = `https://${hostname}${port === 443 ? '' : `:${port}`}`
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
    if (signal?.aborted) {
      reject(signal.reason)
      return promise
    }
    // Node passes `onread` on to the socket it makes (net.connect documents it); its types leave it out for TLS.
    const options: ConnectionOptions & { onread?: OnReadOpts } = {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      ...(onread === undefined ? {} : { onread }),
      ...(carrier === undefined ? {} : { socket: carrier }),
    }
    const socket = connect(options)
    let settled = false
    const settle = (error: unknown) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (error === undefined) {
        if (carrier !== undefined && onread !== undefined) feed(socket, onread)
        return resolve(socket)
      }
      socket.destroy()
      reject(error)
    }
    const onAbort = () => settle(signal?.reason ?? new Error('aborted'))
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(
      () => settle(new Error(`no connection within ${timeoutMilliseconds / 1000} s`)),
      timeoutMilliseconds,
    )
    socket.setNoDelay(true)
    // Stays for good: anyone who takes the socket over may leave errors to its 'close'.
    socket.on('error', settle)
    socket.once('close', () => settle(new Error('the connection was closed during the handshake')))
    socket.once('secureConnect', () => settle(mismatch(socket, tls, endpoint, facts)))
    return promise
  }
}

/** Node.js passes `onread` on only to a socket that it makes itself; here the bytes take one copy more. */
function feed(socket: TLSSocket, onread: OnReadOpts): void {
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length && !socket.destroyed; ) {
      const room = typeof onread.buffer === 'function' ? onread.buffer() : onread.buffer
      const bytes = Math.min(room.length, chunk.length - at)
      room.set(chunk.subarray(at, at + bytes))
      at += bytes
      onread.callback(bytes, room)
    }
  })
}

function mismatch(socket: TLSSocket, tls: Tls, endpoint: string, facts: TlsFacts): TlsIdentityMismatch | undefined {
  // Asked once: Node.js 24 answers with an empty certificate the second time.
  const certificate = socket.getPeerX509Certificate()
  const fingerprint = certificate?.fingerprint256
  const shown = fingerprint === undefined ? {} : { fingerprint }
  if (tls.mode === 'fingerprint') {
    // A vCenter may name its hosts' certificates by SHA-1 alone; people are asked for SHA-256.
    const prints = [fingerprint ?? '', certificate?.fingerprint ?? ''].map(bare).filter((print) => print !== '')
    const known = tls.fingerprints.some((pin) => prints.includes(bare(pin)))
    if (known && !socket.isSessionReused()) return undefined
    return facts.identityMismatch(endpoint, shown, tls.fingerprints)
  }
  if (socket.authorized && fingerprint !== undefined && !socket.isSessionReused()) return undefined
  // Declared as an Error, in fact a code string.
  const complaint = String(socket.authorizationError ?? 'no accepted certificate')
  // Names are compared only where the chain is good.
  const names = complaint === 'ERR_TLS_CERT_ALTNAME_INVALID' ? { names: namesOf(certificate) } : {}
  return facts.identityMismatch(endpoint, { ...shown, complaint, ...names }, [])
}

/** `DNS:pve1.lab, IP Address:127.0.0.1`, or the common name of a certificate that has none. */
function namesOf(certificate: X509Certificate | undefined): string[] {
  const alternatives = (certificate?.subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [, name] = /^(?:DNS|IP Address):(.+)$/.exec(entry) ?? []
    return name === undefined ? [] : [name]
  })
  const common = /^CN=(.+)$/m.exec(certificate?.subject ?? '')?.[1]
  return alternatives.length > 0 || common === undefined ? alternatives : [common]
}

/** What was shown in place of what was expected; to follow what showed it. */
export function showedInstead({ fingerprint, complaint }: ShownCertificate, expected: readonly string[]): string {
  const shown = fingerprint === undefined ? 'no certificate' : `a certificate with SHA-256 ${fingerprint}`
  const wanted = complaint === undefined ? `expected ${expected.join(' or ')}` : `which is not accepted (${complaint})`
  return `showed ${shown}, ${wanted}.`
}

/** What to do about a certificate that is for other names; to follow what showed it. */
export function otherNames(endpoint: string, names: readonly string[], fingerprint: string | undefined): string {
  const list = names.length === 0 ? 'no name at all' : names.join(', ')
  return (
    `showed a certificate of an accepted authority that is for ${list} and not for ${new URL(endpoint).hostname} ` +
    '(ERR_TLS_CERT_ALTNAME_INVALID). Use one of these names in the address, or have the certificate made for this one too, or pin it instead: ' +
    `{"mode":"fingerprint","fingerprints":["${fingerprint ?? ''}"]}.`
  )
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toUpperCase()
}

function contextOf(tls: Tls, facts: TlsFacts, ciphers: string | undefined): SecureContext {
  const preference = ciphers === undefined ? {} : { ciphers }
  if (tls.mode !== 'ca') return createSecureContext(preference)
  try {
    // OpenSSL passes over blocks that it can't read, so each is read here first.
    const blocks = pemBlocks(tls.ca).filter(({ label }) => label === 'CERTIFICATE')
    if (blocks.length === 0) throw new Error('there is no whole certificate in it')
    return createSecureContext({ ...preference, ca: blocks.map(({ text }) => new X509Certificate(text).toString()) })
  } catch (error) {
    throw facts.unreadableAuthority(error)
  }
}
