import { DEFAULT_CIPHERS } from 'node:tls'
import { InvalidSite, TlsIdentityMismatch } from '../../contracts/errors.ts'
import type { HttpsRoute } from '../../contracts/route.ts'
import { otherNames, showedInstead, type TlsFacts, tlsDialer } from '../../tls/connect.ts'
import { type FileServerSettings, HttpsFile } from '../../http-file/https-file.ts'
import { refusalFact } from './https-refusals.ts'
import { archiveUrl, probeUrl } from './https-url.ts'
import type { Route } from '../reader.ts'
import { siteFileOf } from '../site-file.ts'
import { sooner } from '../sooner.ts'

export const httpsRouteDefaults: FileServerSettings = {
  connectMilliseconds: 20_000,
  idleMilliseconds: 45_000,
  worthReadingOnBytes: 2 ** 20,
}

const CHEAPEST_CIPHER = 'TLS_AES_128_GCM_SHA256'
/** AES-128 costs the least per byte. Servers that leave the choice to us take the first they know. */
const CIPHERS = [CHEAPEST_CIPHER, ...DEFAULT_CIPHERS.split(':').filter((name) => name !== CHEAPEST_CIPHER)].join(':')

/**
 * Bytes by HTTP Range from a file server at the site. Each reader has connections of its own: as many as it has reads at
 * the same time, kept from one read to the next. No credential leaves before the server's certificate has been checked.
 * @throws InvalidSite when the route's authority or URL can't be used
 */
export function openHttpsRoute(site: string, route: HttpsRoute, overrides: Partial<FileServerSettings> = {}): Route {
  const settings = { ...httpsRouteDefaults, ...overrides }
  const dial = tlsDialer(route.tls, tlsFacts(site), CIPHERS)
  // A template that can't be used is found before anything else happens.
  probeUrl(site, route.url, 'node')
  const fileAt = (url: URL, about: string, its = settings): HttpsFile =>
    new HttpsFile(url, `${about}, site ${site}`, {
      dial,
      settings: its,
      headerLines: authorization(route.auth),
      whenUnreachable:
        'Check route.url, that a web server with TLS listens there, and that the network lets us through',
      refusal: (head, what) => refusalFact(head, what, route.auth),
    })
  return {
    endOf: (node) => probeUrl(site, route.url, node).href,
    check: async (node, { storage, folder, withinMilliseconds } = {}) => {
      const url = probeUrl(site, route.url, node, { storage, folder })
      const file = fileAt(url, `node ${node}`, sooner(settings, withinMilliseconds))
      try {
        await file.checkAccess()
      } finally {
        file.close()
      }
    },
    open: async (source) => {
      const location = siteFileOf(site, source)
      const file = fileAt(archiveUrl(site, route.url, location), `${location.path} of node ${location.node}`)
      try {
        const version = await file.stat()
        return {
          opened: version.identity,
          stat: async () => (await file.stat()).identity,
          read: (positionBytes, target, signal) => file.read(positionBytes, target, version, signal),
          close: async () => file.close(),
        }
      } catch (error) {
        file.close()
        throw error
      }
    },
  }
}

function authorization(auth: HttpsRoute['auth']): string {
  if (auth === undefined) return ''
  if (auth.type === 'bearer') return `Authorization: Bearer ${auth.token}\r\n`
  return `Authorization: Basic ${Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')}\r\n`
}

function tlsFacts(site: string): TlsFacts {
  return {
    identityMismatch: (endpoint, seen, expected) => {
      const { names, fingerprint } = seen
      if (names !== undefined) {
        const why = otherNames(endpoint, names, fingerprint)
        return new TlsIdentityMismatch(
          `Site ${site}: the route's file server ${endpoint} ${why} No credential was sent.`,
        )
      }
      return new TlsIdentityMismatch(
        `Site ${site}: the route's file server ${endpoint} ${showedInstead(seen, expected)} No credential was sent. If the ` +
          'certificate was renewed, compare it on the server itself (openssl x509 -noout -fingerprint -sha256 -in <its certificate>) ' +
          'and correct route.tls; otherwise somebody is in between.',
      )
    },
    unreadableAuthority: (cause) =>
      new InvalidSite(`Site ${site}: route.tls.ca can't be read as a PEM certificate.`, { cause }),
  }
}
