import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InvalidSite, TlsIdentityMismatch } from '../../../functions/contracts/errors.ts'
import type { Tls } from '../../../functions/contracts/tls.ts'
import { type Dial, type TlsFacts, tlsDialer } from '../../../functions/tls/connect.ts'
import { createIdentity, fingerprintOf } from '../../../local/labs/shared/certificate.ts'

const names = ['127.0.0.1', 'localhost']
const identity = createIdentity(names, new Date())
const other = createIdentity(names, new Date())
const elsewhere = createIdentity(['nas9.example.com'], new Date())
const fingerprint = fingerprintOf(identity.cert)

const facts: TlsFacts = {
  identityMismatch: (endpoint, shown, expected) =>
    new TlsIdentityMismatch(JSON.stringify({ endpoint, ...shown, expected })),
  unreadableAuthority: (cause) => new InvalidSite('unreadable', { cause }),
}

describe('a TLS connection', () => {
  let server: Server
  let port: number
  let receivedBytes: number
  let sockets: TLSSocket[]

  beforeEach(async () => {
    receivedBytes = 0
    sockets = []
    server = createServer({ key: identity.key, cert: identity.cert }, (socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      socket.on('data', (bytes: Buffer) => {
        receivedBytes += bytes.length
        socket.write(bytes)
      })
    })
    server.on('tlsClientError', () => undefined)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  const dial = (tls: Tls, changes: Partial<Dial> = {}, ciphers?: string): Promise<TLSSocket> =>
    tlsDialer(tls, facts, ciphers)({ hostname: '127.0.0.1', port, timeoutMilliseconds: 20_000, ...changes })

  it.each<[string, Tls]>([
    ["the site's authority", { mode: 'ca', ca: identity.ca }],
    ['one of several authorities', { mode: 'ca', ca: other.ca + identity.ca }],
    ['a pinned certificate', { mode: 'fingerprint', fingerprints: ['00'.repeat(32), fingerprint] }],
    ['a pin without colons', { mode: 'fingerprint', fingerprints: [fingerprint.replaceAll(':', '').toLowerCase()] }],
  ])('is handed over for %s', async (_, tls) => {
    const socket = await dial(tls)
    socket.write('hello')
    expect(String(await once(socket, 'data'))).toBe('hello')
    socket.destroy()
  })

  it.each<[string, Tls, RegExp]>([
    ['the public authorities', { mode: 'system' }, /UNABLE_TO_VERIFY|SELF_SIGNED/],
    ['another authority', { mode: 'ca', ca: other.ca }, /UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/],
    ['other pins', { mode: 'fingerprint', fingerprints: ['AB'.repeat(32)] }, /"expected":\["ABAB/],
  ])('is not handed over for %s; the error shows what was seen, and nothing was sent', async (_, tls, complaint) => {
    const refused: unknown = await dial(tls).catch((error: unknown) => error)
    expect(refused).toMatchObject({ name: 'TlsIdentityMismatch', message: expect.stringMatching(complaint) })
    expect(String(refused)).toContain(fingerprint)
    expect(String(refused)).toContain(`https://127.0.0.1:${port}`)
    expect(receivedBytes).toBe(0)
  })

  it('is not handed over for a certificate of the right authority for another host', async () => {
    const misplaced = createServer({ key: elsewhere.key, cert: elsewhere.cert }, (socket) =>
      socket.on('error', () => undefined),
    )
    await once(misplaced.listen(0, '127.0.0.1'), 'listening')
    const at = (misplaced.address() as AddressInfo).port
    await expect(dial({ mode: 'ca', ca: elsewhere.ca }, { port: at })).rejects.toMatchObject({
      name: 'TlsIdentityMismatch',
      message: expect.stringMatching(/ALTNAME.*"names":\["nas9\.example\.com"\]/),
    })
    // A pin is about the certificate alone.
    const pinned = await dial({ mode: 'fingerprint', fingerprints: [fingerprintOf(elsewhere.cert)] }, { port: at })
    pinned.destroy()
    await new Promise((resolve) => misplaced.close(resolve))
  })

  it('gives received bytes to `onread`', async () => {
    const buffer = Buffer.alloc(16)
    const { promise, resolve } = Promise.withResolvers<string>()
    const callback = (bytes: number): boolean => {
      resolve(buffer.toString('latin1', 0, bytes))
      return true
    }
    const socket = await dial({ mode: 'ca', ca: identity.ca }, { onread: { buffer, callback } })
    socket.write('to the buffer')
    expect(await promise).toBe('to the buffer')
    socket.destroy()
  })

  it('offers ciphers in the order that is asked for', async () => {
    const socket = await dial({ mode: 'ca', ca: identity.ca }, {}, 'TLS_CHACHA20_POLY1305_SHA256')
    expect(socket.getCipher().standardName).toBe('TLS_CHACHA20_POLY1305_SHA256')
    socket.destroy()
  })

  it('is given up when told to, before and during the handshake', async () => {
    const mute = createTcpServer((socket) => socket.on('error', () => undefined).resume())
    await once(mute.listen(0, '127.0.0.1'), 'listening')
    const at = { port: (mute.address() as AddressInfo).port }
    const abort = new AbortController()
    const dialing = dial({ mode: 'system' }, { ...at, signal: abort.signal })
    setTimeout(() => abort.abort(new Error('enough')), 30)
    await expect(dialing).rejects.toThrow('enough')
    await expect(dial({ mode: 'system' }, { ...at, signal: abort.signal })).rejects.toThrow('enough')
    await expect(dial({ mode: 'system' }, { ...at, timeoutMilliseconds: 50 })).rejects.toThrow(
      'no connection within 0.05 s',
    )
    // Nothing stays open: the server can close.
    await new Promise((resolve) => mute.close(resolve))
  })
})
