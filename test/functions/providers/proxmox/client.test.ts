import { once } from 'node:events'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { GuestliftError } from '../../../../functions/contracts/errors.ts'
import { openClient } from '../../../../functions/providers/proxmox/client.ts'
import {
  answer,
  data,
  elsewhereIdentity,
  fingerprintOf,
  firstIdentity,
  otherIdentity,
  type Reply,
  type Script,
  type ScriptedServer,
  startServer,
} from './scripted-server.ts'
import { passwordAuth, shortLimits, siteFor, surroundings, tokenAuth } from './site.ts'

/** Of an answer without a time in its head. */
const timing = { askedAt: expect.any(Date) as Date, answeredAt: expect.any(Date) as Date }

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()))
})

async function serve(script: Script, identity = firstIdentity): Promise<ScriptedServer> {
  const server = await startServer(script, identity)
  closing.push(server)
  return server
}

function clientFor(servers: Parameters<typeof siteFor>[0], changes: Record<string, unknown> = {}) {
  const deps = surroundings()
  const client = openClient('hq', siteFor(servers, changes), deps, shortLimits)
  closing.push(client)
  const about = client.about('ask for the version')
  return {
    deps,
    client,
    version: async () => (await client.get('/version', z.object({ version: z.string() }), about)).data.version,
    start: () =>
      client.write('POST', '/nodes/pve1/vzdump', client.about('start the backup', { node: 'pve1' }), { vmid: '100' }),
  }
}

/** An address where nothing listens. */
async function deadEndpoint(): Promise<{ endpoint: string; fingerprint: string }> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  server.close()
  await once(server, 'close')
  return { endpoint: `https://127.0.0.1:${port}`, fingerprint: 'AA'.repeat(32) }
}

const version = (): Reply => data({ version: '9.2.11', release: '9.2' })
const ticket = (name: string): Reply => data({ ticket: `PVE:backup@pve:${name}`, CSRFPreventionToken: `csrf-${name}` })

describe('who the endpoint must prove to be', () => {
  it('any certificate with a pinned fingerprint is accepted, in any way of writing it', async () => {
    const server = await serve(version)
    const bare = server.fingerprint.replaceAll(':', '').toLowerCase()
    const fingerprints = ['00'.repeat(32), bare]
    expect(await clientFor(server, { tls: { mode: 'fingerprint', fingerprints } }).version()).toBe('9.2.11')
  })

  it.each([
    ['a wrong pin', { mode: 'fingerprint', fingerprints: ['AB'.repeat(32)] }],
    ["another site's pin", { mode: 'fingerprint', fingerprints: [fingerprintOf(otherIdentity.cert)] }],
    ["another site's authority", { mode: 'ca', ca: otherIdentity.ca }],
    ['the public authorities', { mode: 'system' }],
    ['its own leaf in place of the authority', { mode: 'ca', ca: firstIdentity.cert }],
  ])('with %s not a byte is sent, by reading or writing calls, and the error shows what was seen', async (_, tls) => {
    const server = await serve(version)
    const { version: read, start, deps } = clientFor(server, { tls, auth: passwordAuth })
    const refused = await read().catch((error: unknown) => error)
    expect(refused).toMatchObject({ name: 'TlsIdentityMismatch', group: 'fail-run' })
    expect(String(refused)).toContain(server.fingerprint)
    await expect(start()).rejects.toMatchObject({ name: 'TlsIdentityMismatch' })
    expect(server.bytesReceived()).toBe(0)
    expect(server.requests).toEqual([])
    expect(deps.slept).toEqual([])
  })

  it('a pin that matches first does not open the door for a second certificate at the same address', async () => {
    const first = await serve(() => ({ ...version(), after: 'close' }))
    const { version: read } = clientFor(first)
    expect(await read()).toBe('9.2.11')
    const port = Number(new URL(first.endpoint).port)
    await first.close()
    closing.splice(closing.indexOf(first), 1)
    const second = await startServer(version, otherIdentity, port)
    closing.push(second)
    await expect(read()).rejects.toMatchObject({ name: 'TlsIdentityMismatch' })
    expect(second.bytesReceived()).toBe(0)
  })

  it("the site's own authority is accepted for the host it vouches for", async () => {
    const server = await serve(version)
    expect(await clientFor(server, { tls: { mode: 'ca', ca: server.identity.ca } }).version()).toBe('9.2.11')
  })

  it("the site's own authority isn't enough for another host name", async () => {
    const server = await serve(version, elsewhereIdentity)
    const { version: read } = clientFor(server, { tls: { mode: 'ca', ca: server.identity.ca } })
    await expect(read()).rejects.toMatchObject({
      name: 'TlsIdentityMismatch',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') as unknown,
    })
    await expect(read()).rejects.toThrow(/that is for \S+ and not for \S+ .* Use one of these names/)
    await expect(read()).rejects.not.toThrow(/in between/)
    expect(server.bytesReceived()).toBe(0)
  })

  it('an authority that is no certificate is found before anything is sent', async () => {
    const server = await serve(version)
    const ca = '-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n'
    const site = siteFor(server, { tls: { mode: 'ca', ca } })
    expect(() => openClient('hq', site, surroundings())).toThrow(expect.objectContaining({ name: 'InvalidSite' }))
  })

  it('a server without TLS is told apart', async () => {
    const plain = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.resume()
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    }).listen(0, '127.0.0.1')
    await once(plain, 'listening')
    closing.push({
      close: async () => {
        plain.close()
        await once(plain, 'close')
      },
    })
    const address = plain.address()
    const endpoint = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    await expect(clientFor({ endpoint, fingerprint: 'AA'.repeat(32) }).version()).rejects.toMatchObject({
      name: 'PlatformUnavailable',
      message: expect.stringContaining('does not speak TLS') as unknown,
    })
  })
})

describe('logging in', () => {
  it('a token goes with each call as it is, and needs no login', async () => {
    const server = await serve(version)
    await clientFor(server).version()
    expect(server.requests.map(({ path }) => path)).toEqual(['/api2/json/version'])
    expect(server.requests[0]?.headers['authorization']).toBe(`PVEAPIToken=${tokenAuth.tokenId}=${tokenAuth.secret}`)
    expect(server.requests[0]?.headers['cookie']).toBeUndefined()
  })

  it('a password is exchanged for a ticket once, and the ticket for a new one after an hour', async () => {
    let logins = 0
    const server = await serve(({ path }) => (path.endsWith('/ticket') ? ticket(String((logins += 1))) : version()))
    const { version: read, start, deps } = clientFor(server, { auth: passwordAuth })
    await Promise.all([read(), read(), start()])
    deps.advance(59 * 60_000)
    await read()
    expect(logins).toBe(1)
    deps.advance(60_000)
    await read()
    await start()
    expect(logins).toBe(2)
    const last = server.requests.at(-1)
    expect(last?.headers).toMatchObject({
      cookie: 'PVEAuthCookie=PVE%3Abackup%40pve%3A2',
      csrfpreventiontoken: 'csrf-2',
    })
    const reads = server.requests.filter(({ method }) => method === 'GET')
    expect(reads.every(({ headers }) => headers['csrfpreventiontoken'] === undefined)).toBe(true)
  })

  it('a ticket that the site has forgotten is renewed once, for reading and for writing calls', async () => {
    let logins = 0
    let taken = 0
    const server = await serve(({ path, method, headers }) => {
      if (path.endsWith('/ticket')) return ticket(String((logins += 1)))
      if (!headers['cookie']?.endsWith('2')) return answer(401, 'Authentication failed!')
      if (method === 'POST') taken += 1
      return method === 'POST' ? data('UPID') : version()
    })
    const { start, deps } = clientFor(server, { auth: passwordAuth })
    expect(await start()).toEqual({ answered: true, data: 'UPID', timing })
    expect({ logins, taken }).toEqual({ logins: 2, taken: 1 })
    expect(deps.logged.join()).toContain('platform-login-renewed')
  })

  it('a second 401 in a row ends it, without a third try', async () => {
    const server = await serve(({ path }) =>
      path.endsWith('/ticket') ? ticket('1') : answer(401, 'Authentication failed!'),
    )
    await expect(clientFor(server, { auth: passwordAuth }).version()).rejects.toMatchObject({
      name: 'CredentialsRejected',
    })
    expect(server.requests.filter(({ path }) => path.endsWith('/version'))).toHaveLength(2)
  })

  it('a rejected token is not tried again', async () => {
    const server = await serve(() => answer(401, 'Authentication failed!'))
    await expect(clientFor(server).version()).rejects.toMatchObject({ name: 'CredentialsRejected' })
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['says so', { ticket: 'PVE:!tfa!%7B%22totp%22%3Atrue%7D:6B03::sig', NeedTFA: 1 }],
    ['says so as text', { ticket: 'PVE:backup@pve:6B03::sig', NeedTFA: '1' }],
    ['shows it in the ticket only', { ticket: 'PVE:!tfa!%7B%7D:6B03::sig' }],
  ])('an account with a second factor, which the answer %s, is told to use a token', async (_, login) => {
    const server = await serve(() => data(login))
    await expect(clientFor(server, { auth: passwordAuth }).version()).rejects.toMatchObject({
      name: 'SecondFactorRequired',
      message: expect.stringContaining('API token') as unknown,
    })
    expect(server.requests).toHaveLength(1)
  })

  it('a login that gives no ticket is no login', async () => {
    const server = await serve(() => data({ username: 'backup@pve' }))
    await expect(clientFor(server, { auth: passwordAuth }).version()).rejects.toMatchObject({
      name: 'PlatformUnavailable',
    })
  })

  it.each([
    ['token', tokenAuth, [tokenAuth.secret]],
    ['password', passwordAuth, [passwordAuth.password, 'PVE:backup@pve:1', 'csrf-1']],
  ])('with a %s no secret shows in errors or logs, even when the server repeats them', async (_, auth, secrets) => {
    const server = await serve(({ path, headers, body }, index) => {
      if (path.endsWith('/ticket') && index === 0) return ticket('1')
      const echo = `${JSON.stringify(headers)} ${decodeURIComponent(body)} ${JSON.stringify(headers).replaceAll('%3A', ':').replaceAll('%40', '@')} ${secrets.join(' ')}`
      return answer(500, 'no', { data: null, message: echo, errors: { [secrets[0] ?? '']: echo } })
    })
    const { version: read, start, deps } = clientFor(server, { auth })
    const error = await read().catch((caught: unknown) => caught)
    const unclear = await start()
    expect(error).toMatchObject({ name: 'PlatformUnavailable' })
    const everything =
      [error, error instanceof Error ? error.cause : undefined, unclear].map(inside).join() + deps.logged.join()
    for (const secret of secrets) {
      expect(everything).not.toContain(secret)
      expect(everything).not.toContain(encodeURIComponent(secret))
    }
  })
})

describe('several endpoints', () => {
  it('the next one is asked when one refuses connections, and is asked first from then on', async () => {
    const server = await serve(version)
    const dead = await deadEndpoint()
    const { version: read, start, deps } = clientFor([dead, server])
    expect(await read()).toBe('9.2.11')
    expect(await start()).toEqual({ answered: true, data: { version: '9.2.11', release: '9.2' }, timing })
    expect(deps.slept).toEqual([])
    expect(server.requests).toHaveLength(2)
  })

  it('a writing call goes to the next endpoint when one refuses connections, since nothing was sent', async () => {
    const server = await serve(() => data('UPID'))
    expect(await clientFor([await deadEndpoint(), server]).start()).toEqual({ answered: true, data: 'UPID', timing })
  })

  it('a writing call that was sent never goes to the next endpoint', async () => {
    const cutting = await serve(() => ({ bytes: '', after: 'reset' }))
    const other = await serve(() => data('UPID'))
    expect(await clientFor([cutting, other]).start()).toMatchObject({ answered: false })
    expect(cutting.requests).toHaveLength(1)
    expect(other.connections()).toBe(0)
  })

  it('when none answers, the error names each', async () => {
    const dead = [await deadEndpoint(), await deadEndpoint()]
    const error = await clientFor(dead)
      .version()
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'PlatformUnavailable' })
    for (const { endpoint } of dead) expect(String(error)).toContain(`${endpoint} refuses connections`)
  })

  it('a name that cannot be resolved is passed over', async () => {
    const server = await serve(version)
    const nowhere = { endpoint: 'https://pve.invalid:8006', fingerprint: server.fingerprint }
    expect(await clientFor([nowhere, server]).version()).toBe('9.2.11')
  })

  it('an endpoint whose own daemon is down is passed over for the login', async () => {
    const half = await serve(({ path }) => (path.endsWith('/ticket') ? answer(595, 'Connection refused') : version()))
    const whole = await serve(({ path }) => (path.endsWith('/ticket') ? ticket('1') : version()))
    expect(await clientFor([half, whole], { auth: passwordAuth }).version()).toBe('9.2.11')
  })
})

describe('reading calls', () => {
  it.each<[string, Reply]>([
    ['595', answer(595, 'Connection timed out')],
    ['596', answer(596, 'Connection timed out')],
    ['597', answer(597, 'Broken pipe')],
    ['502 of a gateway', answer(502, 'Bad Gateway', '<html>')],
    ['503 of a gateway', answer(503, 'Service Unavailable')],
    ['500 without a text we know', answer(500, 'got timeout', { data: null, message: 'got timeout\n' })],
    ['a cut connection', { bytes: '', after: 'reset' }],
    ['a cut answer', { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"data"', after: 'reset' }],
    ['a page that is no JSON', answer(200, 'OK', '<html>Login</html>')],
    ['no HTTP at all', { bytes: 'SSH-2.0-OpenSSH_9.2\r\n', after: 'close' }],
  ])('are repeated after %s, with growing pauses', async (_, fault) => {
    const server = await serve((_request, index) => (index < 3 ? fault : version()))
    const { version: read, deps } = clientFor(server)
    expect(await read()).toBe('9.2.11')
    expect(deps.slept).toEqual([500, 1000, 2000])
    expect(deps.logged).toHaveLength(3)
  })

  it('are given up after a few rounds', async () => {
    const server = await serve(() => answer(596, 'Connection timed out'))
    await expect(clientFor(server).version()).rejects.toMatchObject({ name: 'PlatformUnavailable', group: 'retry' })
    expect(server.requests).toHaveLength(4)
  })

  it('are given up when the rounds take too long', async () => {
    let deps: ReturnType<typeof surroundings> | undefined
    const server = await serve(() => {
      deps?.advance(31_000)
      return answer(595, 'Connection timed out')
    })
    const { version: read, deps: own } = clientFor(server)
    deps = own
    await expect(read()).rejects.toMatchObject({ name: 'PlatformUnavailable' })
    expect(server.requests).toHaveLength(2)
  })

  it.each([
    ['400', answer(400, 'Parameter verification failed.', { data: null, errors: { x: 'wrong' } }), 'RequestRejected'],
    ['403', answer(403, 'Permission check failed (/vms/100, VM.Audit)'), 'PrivilegeMissing'],
    ['404', answer(404, 'Not Found', '<html>'), 'RequestRejected'],
    ['501', answer(501, "Method 'GET /version' not implemented"), 'RequestRejected'],
    ['302', answer(302, 'Found'), 'RequestRejected'],
    ['500 about a storage', answer(500, "storage 'x' is disabled"), 'StorageUnusable'],
  ])('are not repeated after %s', async (_, refusal, error) => {
    const server = await serve(() => refusal)
    await expect(clientFor(server).version()).rejects.toMatchObject({ name: error })
    expect(server.requests).toHaveLength(1)
  })

  it('read the reason phrase of older servers, whose body has no message', async () => {
    const server = await serve(() =>
      answer(403, 'Permission check failed (/storage/nas, Datastore.Audit)', { data: null }),
    )
    await expect(clientFor(server).version()).rejects.toMatchObject({
      message: expect.stringContaining('backup@pve!client lacks Datastore.Audit on /storage/nas') as unknown,
    })
  })

  it('share one connection, and leave it to a new one when the server has closed it', async () => {
    const server = await serve((_, index) => ({ ...version(), after: index === 1 ? 'close' : 'keep' }))
    const { version: read } = clientFor(server)
    for (let call = 0; call < 3; call += 1) await read()
    expect(server.requests).toHaveLength(3)
    expect(server.connections()).toBe(2)
  })
})

describe('writing calls', () => {
  it.each<[string, Reply]>([
    ['a cut connection', { bytes: '', after: 'reset' }],
    ['a closed connection', { bytes: '', after: 'close' }],
    ['silence', { bytes: '' }],
    ['596', answer(596, 'Connection timed out')],
    ['597', answer(597, 'Broken pipe')],
    ['599', answer(599, 'Too many redirections')],
    ['502', answer(502, 'Bad Gateway')],
    ['504', answer(504, 'Gateway Time-out')],
    ['408', answer(408, 'Request Timeout')],
    ['500 without a text we know', answer(500, 'died', { data: null, message: 'died\n' })],
    ['half an answer', { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"data":"UP', after: 'close' }],
    ['an answer that is no JSON', answer(200, 'OK', 'thanks')],
    ['JSON without data', answer(200, 'OK', { result: 1 })],
  ])('are sent once and are unclear after %s', async (_, reply) => {
    const server = await serve(() => reply)
    const { start, deps } = clientFor(server)
    const written = await start()
    expect(written).toMatchObject({ answered: false, error: { group: 'retry' } })
    expect(server.requests).toHaveLength(1)
    expect(deps.slept).toEqual([])
  })

  it.each<[string, Reply, string]>([
    ['400', answer(400, 'Parameter verification failed.'), 'RequestRejected'],
    ['403', answer(403, 'Permission check failed'), 'PrivilegeMissing'],
    ['501', answer(501, 'not implemented'), 'RequestRejected'],
    ['595', answer(595, 'Connection refused'), 'NodeOffline'],
    ['500 about a storage', answer(500, "storage 'x' does not exist"), 'StorageUnusable'],
  ])('are known to have done nothing after %s', async (_, reply, error) => {
    const server = await serve(() => reply)
    await expect(clientFor(server).start()).rejects.toMatchObject({ name: error })
    expect(server.requests).toHaveLength(1)
  })

  it('are known to have done nothing when no endpoint can be reached', async () => {
    await expect(clientFor(await deadEndpoint()).start()).rejects.toMatchObject({ name: 'PlatformUnavailable' })
  })

  it('carry no body where the API allows none', async () => {
    const server = await serve(() => data(null))
    const { client } = clientFor(server)
    await client.write('DELETE', '/nodes/pve1/tasks/x', client.about('stop'))
    expect(server.requests[0]).toMatchObject({ method: 'DELETE', body: '' })
    expect(server.requests[0]?.headers).not.toHaveProperty('content-type')
    expect(server.requests[0]?.headers).not.toHaveProperty('transfer-encoding')
  })
})

describe('answers that never end', () => {
  // Those that drip take eight minutes: longer than a test has.
  it.each<[string, Reply]>([
    ['a head that never comes', { bytes: '' }],
    ['a body that never comes', { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n' }],
    [
      'a body of a byte at a time',
      { bytes: `HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n${' '.repeat(9999)}`, drip: 50 },
    ],
    ['a head of a byte at a time', { bytes: `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(9000)}`, drip: 50 }],
  ])('%s is given up', async (_, reply) => {
    const server = await serve(() => reply)
    expect(await clientFor(server).start()).toMatchObject({ answered: false, error: { name: 'PlatformUnavailable' } })
  })

  it('an answer that drips does not hold up the calls after it', async () => {
    const dripping: Reply = {
      bytes: `HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n${' '.repeat(999)}`,
      drip: 50,
    }
    const server = await serve((_, index) => (index === 0 ? dripping : version()))
    const { version: read, deps } = clientFor(server)
    expect(await read()).toBe('9.2.11')
    expect(deps.slept).toEqual([500])
    expect(server.connections()).toBe(2)
  })

  it('a handshake that never ends is given up, and counts as nothing sent', async () => {
    const mute = createTcpServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    closing.push({
      close: async () => {
        mute.close()
        await Promise.race([once(mute, 'close'), new Promise((resolve) => setTimeout(resolve, 100))])
      },
    })
    const address = mute.address()
    const endpoint = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    await expect(clientFor({ endpoint, fingerprint: 'AA'.repeat(32) }).start()).rejects.toMatchObject({
      name: 'PlatformUnavailable',
      message: expect.stringContaining('no connection within') as unknown,
    })
  })

  it.each<[string, Reply]>([
    ['announced', { bytes: `HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n${'x'.repeat(2 ** 21)}` }],
    [
      'sent in chunks',
      { bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n${'x'.repeat(2 ** 21)}\r\n` },
    ],
    ['in the head', { bytes: `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(2 ** 20)}\r\n\r\n` }],
  ])('an answer that is too large, %s, is cut off', async (_, reply) => {
    const server = await serve(() => reply)
    expect(await clientFor(server).start()).toMatchObject({ answered: false, error: { name: 'PlatformUnavailable' } })
  })
})

/** All that an error or value holds, as text. */
function inside(value: unknown): string {
  if (value instanceof GuestliftError || value instanceof Error) {
    return `${value.message} ${value.stack ?? ''} ${JSON.stringify(value, Object.getOwnPropertyNames(value))}`
  }
  return JSON.stringify(value) ?? ''
}
