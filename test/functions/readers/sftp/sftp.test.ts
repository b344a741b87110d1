import { randomBytes } from 'node:crypto'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SftpRoute } from '../../../../functions/contracts/route.ts'
import type { Route } from '../../../../functions/readers/reader.ts'
import { openSftpRoute } from '../../../../functions/readers/sftp/sftp.ts'
import { mapPath } from '../../../../functions/ssh/map-path.ts'
import type { SftpSettings } from '../../../../functions/ssh/sftp/sftp-session.ts'
import { routeConformance } from '../conformance.ts'
import { makeHostKey, password, readablePair, type SftpTestServer, startSftpTestServer } from './sftp-test-server.ts'

const MIB = 2 ** 20
const hostKey = makeHostKey('ed25519')
const otherKey = makeHostKey('ecdsa')
const path = '/var/lib/vz/dump/vzdump-qemu-100.vma.zst'
const location = { node: 'pve1', path, storage: 'local', volume: 'backup/vzdump-qemu-100.vma.zst' }

function routeConfig(server: SftpTestServer, changes: Partial<SftpRoute> = {}): SftpRoute {
  return {
    type: 'sftp',
    host: '127.0.0.1',
    port: server.port,
    username: 'reader',
    password,
    hostKeys: [hostKey.fingerprint],
    ...changes,
  }
}

for (const misbehaviour of [{}, { shuffle: true }, { longestAnswerBytes: 70_001 }]) {
  routeConformance(`the sftp route with a server that does ${JSON.stringify(misbehaviour)}`, async () => {
    const server = await startSftpTestServer([hostKey])
    server.misbehaviour = misbehaviour
    return {
      route: openSftpRoute('hq', routeConfig(server)),
      put: async (name, body, modifiedAtSeconds) => {
        server.files.set(`/dump/${name}`, { body, modifiedAtSeconds })
        return { node: 'pve1', path: `/dump/${name}`, storage: 'local', volume: `backup/${name}` }
      },
      close: () => server.close(),
    }
  })
}

describe('the sftp route', () => {
  let server: SftpTestServer
  const body = randomBytes(6 * MIB)
  const route = (changes: Partial<SftpRoute> = {}, settings: Partial<SftpSettings> = {}): Route =>
    openSftpRoute('hq', routeConfig(server, changes), settings)

  beforeEach(async () => {
    server = await startSftpTestServer([hostKey, otherKey])
    server.files.set(path, { body, modifiedAtSeconds: 1_795_000_000 })
  })
  afterEach(() => server.close())

  it('refuses a site without host keys, shows the fingerprint it saw, and sends no credential', async () => {
    await expect(route({ hostKeys: [] }).check('pve1')).rejects.toMatchObject({
      name: 'HostKeyMismatch',
      group: 'fail-run',
      message: expect.stringContaining(hostKey.fingerprint),
    })
    expect(server.authentications).toEqual([])
  })

  it('refuses another host key and sends no credential', async () => {
    const wrong = makeHostKey('ed25519').fingerprint
    const failure: unknown = await route({ hostKeys: [wrong] })
      .check('pve1')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'HostKeyMismatch' })
    expect(String(failure)).toContain(hostKey.fingerprint)
    expect(String(failure)).toContain(otherKey.fingerprint)
    expect(String(failure)).toContain('site hq')
    expect(server.authentications).toEqual([])
  })

  it('finds the pinned key among several kinds', async () => {
    await route({ hostKeys: [otherKey.fingerprint] }).check('pve1')
    expect(server.authentications).toEqual(['password'])
  })

  it('says who was refused, and never with what', async () => {
    const failure: unknown = await route({ password: 'hunter2' })
      .check('pve1')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'RouteLoginRejected', group: 'fail-run' })
    expect(String(failure)).toMatch(/user reader .* site's route/)
    expect(JSON.stringify(failure) + String(failure)).not.toContain('hunter2')
  })

  it('logs in with a key that has a passphrase, and says so when the passphrase is wrong', async () => {
    const pair = readablePair(
      () => ssh2.utils.generateKeyPairSync('ed25519', { passphrase: 'open', cipher: 'aes256-ctr', rounds: 1 }),
      'open',
    )
    const { password: _, ...keyless } = routeConfig(server)
    const withKey = { ...keyless, privateKey: pair.private }
    await openSftpRoute('hq', { ...withKey, passphrase: 'open' }).check('pve1')
    expect(new Set(server.authentications)).toEqual(new Set(['publickey']))
    for (const wrong of [withKey, { ...withKey, passphrase: 'shut' }]) {
      await expect(openSftpRoute('hq', wrong).check('pve1')).rejects.toMatchObject({
        name: 'InvalidSite',
        message: expect.stringContaining('passphrase'),
      })
    }
  })

  it('puts the node into the host', async () => {
    await expect(route({ host: '{node}.invalid' }).check('pve7')).rejects.toMatchObject({
      name: 'ConnectionDropped',
      message: expect.stringContaining('pve7.invalid'),
    })
  })

  it('says what is missing when the account may log in but has no SFTP', async () => {
    server.misbehaviour.refuseSftp = true
    await expect(route().check('pve1')).rejects.toMatchObject({
      name: 'SourceUnreadable',
      message: expect.stringContaining('Subsystem sftp'),
    })
  })

  describe('looking at the folder that archives will be in', () => {
    const folder = '/mnt/pve/nas/dump'
    const asFolder = { body: Buffer.alloc(0), modifiedAtSeconds: 1_795_000_000, mode: 0o040750 }

    it('asks for the right to enter it, where this account sees it', async () => {
      server.files.set('/dump/.', asFolder)
      const chrooted = route({ pathPrefix: { from: '/mnt/pve/nas', to: '/' } })
      await expect(chrooted.check('pve1', { folder })).resolves.toBeUndefined()
    })

    it('names a folder that is not there, and what may be wrong', async () => {
      await expect(route().check('pve1', { folder })).rejects.toMatchObject({
        name: 'SourceUnreadable',
        message: expect.stringMatching(
          /\/mnt\/pve\/nas\/dump doesn't exist on .*node pve1.*storage is online.*pathPrefix/,
        ),
      })
    })

    it('names a folder that may not be entered, and a file in its place', async () => {
      server.files.set(`${folder}/.`, { ...asFolder, mode: 0o100640 })
      await expect(route().check('pve1', { folder })).rejects.toMatchObject({
        name: 'SourceUnreadable',
        message: expect.stringContaining('is not a folder'),
      })
      server.misbehaviour.statStatus = 3
      await expect(route().check('pve1', { folder })).rejects.toMatchObject({
        name: 'SourceUnreadable',
        message: expect.stringContaining('user reader may not read /mnt/pve/nas/dump'),
      })
    })

    it('takes what else a server says of a folder for no proof', async () => {
      server.misbehaviour.statStatus = 8
      await expect(route().check('pve1', { folder })).resolves.toBeUndefined()
    })
  })

  it('says which right is missing when the file may not be read', async () => {
    server.misbehaviour.openStatus = 3
    await expect(route().open(location)).rejects.toMatchObject({
      name: 'SourceUnreadable',
      message: expect.stringMatching(/user reader may not read \/var\/lib\/vz\/dump/),
    })
  })

  it('refuses what is no regular file', async () => {
    server.files.set(path, { body, modifiedAtSeconds: 1, mode: 0o040755 })
    await expect(route().open(location)).rejects.toThrow(/not a regular file/)
  })

  it('says ShortRead when the file ends early', async () => {
    server.misbehaviour.eofAtBytes = 4 * MIB + 5
    const reader = await route().open(location)
    await expect(reader.read(3 * MIB, Buffer.alloc(2 * MIB))).rejects.toMatchObject({ name: 'ShortRead' })
    const before = Buffer.alloc(MIB)
    await reader.read(3 * MIB, before)
    expect(before.equals(body.subarray(3 * MIB, 4 * MIB))).toBe(true)
    await reader.close()
  })

  it('says that the storage failed when the server can not read', async () => {
    server.misbehaviour.readStatus = 4
    const reader = await route().open(location)
    await expect(reader.read(0, Buffer.alloc(MIB))).rejects.toMatchObject({ name: 'SourceUnreadable' })
    await reader.close()
  })

  it('fails all reads under way and later ones when the connection is cut, and works again when opened anew', async () => {
    server.misbehaviour = { cutAfterBytes: 2 * MIB, cuts: 1 }
    const reader = await route().open(location)
    const reads = [0, 1, 2].map((index) => reader.read(index * 2 * MIB, Buffer.alloc(2 * MIB)))
    const failures = (await Promise.allSettled(reads)).flatMap((result) =>
      result.status === 'rejected' ? [result.reason] : [],
    )
    expect(failures.length).toBeGreaterThan(0)
    for (const failure of failures) expect(failure).toMatchObject({ name: 'ConnectionDropped', group: 'retry' })
    await expect(reader.read(0, Buffer.alloc(1))).rejects.toMatchObject({ name: 'ConnectionDropped' })
    await expect(reader.stat()).rejects.toMatchObject({ name: 'ConnectionDropped' })
    await reader.close()
    const again = await route().open(location)
    const whole = Buffer.alloc(body.length)
    await again.read(0, whole)
    expect(whole.equals(body)).toBe(true)
    await again.close()
  })

  it('drops a connection that is silent while an answer is due, not one that has nothing to do', async () => {
    server.misbehaviour.stallAtBytes = 3 * MIB
    const reader = await route({}, { idleMilliseconds: 2_000 }).open(location)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await reader.read(0, Buffer.alloc(MIB))
    await expect(reader.read(2 * MIB, Buffer.alloc(2 * MIB))).rejects.toMatchObject({
      name: 'ConnectionDropped',
      message: expect.stringMatching(/sent nothing for 2 s/),
    })
    await reader.close()
  })

  it('gives up on a server that accepts connections and says nothing', async () => {
    const { createServer } = await import('node:net')
    const mute = createServer()
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const address = mute.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expect(route({ port }, { connectMilliseconds: 300 }).check('pve1')).rejects.toMatchObject({
      name: 'ConnectionDropped',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    mute.close()
  })

  it('asks for each byte once, in requests of 255 KiB', async () => {
    const reader = await route().open(location)
    await reader.read(0, Buffer.alloc(body.length))
    await reader.close()
    const asked = server.reads.toSorted((a, b) => a.position - b.position)
    expect(asked.reduce((sum, read) => sum + read.length, 0)).toBe(body.length)
    expect(Math.max(...asked.map((read) => read.length))).toBe(261_120)
    expect(new Set(asked.map((read) => read.position)).size).toBe(asked.length)
  })

  it('reads where a chrooted account sees the file', async () => {
    server.files.set('/dump/vzdump-qemu-100.vma.zst', { body, modifiedAtSeconds: 5 })
    const reader = await route({ pathPrefix: { from: '/var/lib/vz/dump', to: '/dump' } }).open(location)
    expect((await reader.stat()).modifiedAt).toBe('1970-01-01T00:00:05.000Z')
    await reader.close()
  })
})

describe('mapping a path', () => {
  const prefix = { from: '/var/lib/vz', to: '/' }
  it.each([
    ['/var/lib/vz/dump/a', prefix, '/dump/a'],
    ['/var/lib/vzother/a', prefix, '/var/lib/vzother/a'],
    ['/var/lib/vz', prefix, '/'],
    ['/mnt/nas/dump/a', { from: '/mnt/nas/', to: '/srv/' }, '/srv/dump/a'],
    ['/mnt/a', undefined, '/mnt/a'],
  ])('turns %s by %j into %s', (from, by, to) => {
    expect(mapPath(from, by)).toBe(to)
  })
})
