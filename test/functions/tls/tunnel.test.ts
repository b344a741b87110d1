/** Connections to a site through a proxy: over real sockets, with the site known by a name that only the proxy can look up. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InvalidSite, TlsIdentityMismatch } from '../../../functions/contracts/errors.ts'
import { type Dial, type TlsFacts, tlsDialer } from '../../../functions/tls/connect.ts'
import { createIdentity, fingerprintOf } from '../../../local/labs/shared/certificate.ts'
import { type FakeProxy, startProxy } from '../../fakes/proxy.ts'

const identity = createIdentity(['pve1.lan.test'], new Date())
const pinned = { mode: 'fingerprint' as const, fingerprints: [fingerprintOf(identity.cert)] }
const content = randomBytes(3 * 2 ** 20 + 17)
const facts: TlsFacts = {
  identityMismatch: (endpoint, shown, expected) =>
    new TlsIdentityMismatch(JSON.stringify({ endpoint, ...shown, expected })),
  unreadableAuthority: (cause) => new InvalidSite('unreadable', { cause }),
}

let server: Server
let port: number
let proxy: FakeProxy
beforeEach(async () => {
  proxy = await startProxy()
  server = createServer({ key: identity.key, cert: identity.cert }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(content))
  })
  server.on('tlsClientError', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
afterEach(async () => {
  await proxy.close()
  await new Promise((resolve) => server.close(resolve))
})

const dial = (
  variables: Record<string, string>,
  changes: Partial<Dial> = {},
  tls: Parameters<typeof tlsDialer>[0] = pinned,
) =>
  tlsDialer(
    tls,
    facts,
    undefined,
    variables,
  )({ hostname: 'pve1.lan.test', port, timeoutMilliseconds: 20_000, ...changes })

describe('a TLS connection through a proxy', () => {
  it('carries every byte once, into the buffers of whoever reads', async () => {
    const parts: Buffer[] = []
    const room = Buffer.alloc(16 * 1024)
    const onread = {
      buffer: () => room,
      callback: (bytes: number) => {
        parts.push(Buffer.from(room.subarray(0, bytes)))
        return true
      },
    }
    const socket = await dial({ HTTPS_PROXY: proxy.url }, { onread })
    socket.write('go')
    await once(socket, 'end')
    socket.destroy()
    expect(Buffer.concat(parts).equals(content)).toBe(true)
    expect(proxy.asked).toEqual([`CONNECT pve1.lan.test:${port}`])
    expect(proxy.carriedBytes()).toBeGreaterThan(content.length)
  })

  it.each([
    ["the site's authority", { mode: 'ca' as const, ca: identity.ca }],
    ['a pin', pinned],
  ])('is handed over for %s', async (_, tls) => {
    const socket = await dial({ https_proxy: proxy.url }, {}, tls)
    expect(socket.encrypted).toBe(true)
    socket.destroy()
  })

  it('is refused when the certificate at its far end is not the pinned one', async () => {
    const other = { mode: 'fingerprint' as const, fingerprints: ['AB'.repeat(32)] }
    await expect(dial({ HTTPS_PROXY: proxy.url }, {}, other)).rejects.toBeInstanceOf(TlsIdentityMismatch)
  })

  it('is direct for what NO_PROXY names', async () => {
    const socket = await dial({ HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }, { hostname: '127.0.0.1' })
    socket.destroy()
    expect(proxy.asked).toEqual([])
  })

  it('names the proxy that cannot be reached, and not its password', async () => {
    await proxy.close()
    const variable = proxy.url.replace('//', '//eve:secret@')
    const failure: unknown = await dial({ HTTPS_PROXY: variable }).catch((error: unknown) => error)
    const host = new URL(proxy.url).host
    expect(String(failure)).toContain(
      `the proxy http://${host} (HTTPS_PROXY) can't be used for the connection to pve1.lan.test:${port}`,
    )
    expect(String(failure)).not.toContain('secret')
    proxy = await startProxy()
  })

  it('logs in to the proxy, and says what one wants that refuses', async () => {
    const strict = await startProxy('eve:pass word')
    const refused = dial({ HTTPS_PROXY: strict.url })
    await expect(refused).rejects.toThrow(/refused the connection to pve1.lan.test:\d+: 407 .*It wants a login/)
    const socket = await dial({ HTTPS_PROXY: strict.url.replace('//', '//eve:pass%20word@') })
    socket.destroy()
    await strict.close()
  })

  it('gives up on a proxy that says nothing', async () => {
    const silent = createTcpServer(() => undefined)
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const variables = { HTTPS_PROXY: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` }
    await expect(dial(variables, { timeoutMilliseconds: 50 })).rejects.toThrow(
      /no connection through the proxy .* within 0.05 s/,
    )
    silent.close()
  })
})
