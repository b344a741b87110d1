/** TLS connections to a site's API, in the form that undici's client asks for. */
import type { buildConnector } from 'undici'
import { InvalidSite } from '../../contracts/errors.ts'
import type { Tls } from '../../contracts/tls.ts'
import { tlsDialer } from '../../tls/connect.ts'
import { identityMismatch } from './errors.ts'

/** A function that undici's client calls for each connection it needs. */
export type Connector = buildConnector.connector

/**
 * A connector for one site: a connection is handed over only after the peer proved who it is.
 * @throws InvalidSite when the authority isn't a certificate
 */
export function tlsConnector(tls: Tls, site: string, timeoutMs: number): Connector {
  const dial = tlsDialer(tls, {
    identityMismatch: (endpoint, shown, expected) => identityMismatch(endpoint, shown, expected, site),
    unreadableAuthority: (cause) =>
      new InvalidSite(`Site ${site}: tls.ca can't be read as a PEM certificate. Paste /etc/pve/pve-root-ca.pem.`, {
        cause,
      }),
  })
  const open: (...parameters: Parameters<Connector>) => Promise<void> = async ({ hostname, port }, callback) => {
    const outcome = await dial({
      hostname,
      port: port === '' ? 443 : Number(port),
      timeoutMilliseconds: timeoutMs,
    }).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
    if (outcome instanceof Error) callback(outcome, null)
    else callback(null, outcome)
  }
  return (options, callback) => void open(options, callback)
}
