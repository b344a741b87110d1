import { randomBytes } from 'node:crypto'
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { SftpRoute } from '../../../../functions/contracts/route.ts'
import { openSftpRoute } from '../../../../functions/readers/sftp/sftp.ts'
import { routeConformance } from '../conformance.ts'
import { type OpenSshServer, sshdPath, startOpenSsh } from '../../ssh/openssh-server.ts'

function routeTo(server: OpenSshServer, changes: Partial<SftpRoute> = {}): SftpRoute {
  const { port, username, privateKey, fingerprints } = server
  return { type: 'sftp', host: '127.0.0.1', port, username, privateKey, hostKeys: [fingerprints.ed25519], ...changes }
}

if (sshdPath === undefined) console.warn('skipped: no sshd')

// Keys are exchanged anew every 2 MiB: a long transfer meets this, and decryption starts over each time.
for (const config of [[], ['RekeyLimit 2M'], ['Ciphers aes256-gcm@openssh.com'], ['Ciphers aes128-ctr']]) {
  routeConformance(
    `the sftp route with OpenSSH (${config[0] ?? 'defaults'})`,
    async () => {
      const server = await startOpenSsh(config)
      const folder = await mkdtemp(join(tmpdir(), 'guestlift-source-'))
      return {
        route: openSftpRoute('hq', routeTo(server)),
        put: async (name, body, modifiedAtSeconds) => {
          // Replaced as mv does: the old file lives on for whoever has it open.
          await writeFile(join(folder, 'new'), body)
          await utimes(join(folder, 'new'), modifiedAtSeconds, modifiedAtSeconds)
          await rename(join(folder, 'new'), join(folder, name))
          return { node: 'pve1', path: join(folder, name), storage: 'local', volume: `backup/${name}` }
        },
        close: async () => {
          await server.close()
          await rm(folder, { recursive: true })
        },
      }
    },
    sshdPath === undefined,
  )
}

describe.skipIf(sshdPath === undefined)('the sftp route with OpenSSH', () => {
  it('reads much over many key exchanges without a wrong byte', async () => {
    const server = await startOpenSsh(['RekeyLimit 1M'])
    const file = join(server.folder, 'large')
    const body = randomBytes(20 * 2 ** 20)
    await writeFile(file, body)
    const reader = await openSftpRoute('hq', routeTo(server)).open({
      node: 'pve1',
      path: file,
      storage: 'local',
      volume: 'backup/large',
    })
    const halves = [Buffer.alloc(10 * 2 ** 20), Buffer.alloc(10 * 2 ** 20)] as const
    const sums = await Promise.all(halves.map((half, index) => reader.read(index * half.length, half)))
    expect(Buffer.concat(halves).equals(body)).toBe(true)
    expect(sums).toEqual(halves.map((half) => crc32(half)))
    await reader.close()
    await server.close()
  })

  it('accepts a pinned RSA key although the server prefers another kind', async () => {
    const server = await startOpenSsh()
    const padded = `${server.fingerprints.rsa}=`
    await expect(openSftpRoute('hq', routeTo(server, { hostKeys: [padded] })).check('pve1')).resolves.toBeUndefined()
    await server.close()
  })

  it('enters the folder that archives will be in, and names one that is not there', async () => {
    const server = await startOpenSsh()
    const route = openSftpRoute('hq', routeTo(server))
    await expect(route.check('pve1', { folder: server.folder })).resolves.toBeUndefined()
    await expect(route.check('pve1', { folder: join(server.folder, 'dump') })).rejects.toMatchObject({
      name: 'SourceUnreadable',
      message: expect.stringMatching(/dump doesn't exist on/),
    })
    await server.close()
  })

  it('names every key that the server has when none is the pinned one', async () => {
    const server = await startOpenSsh()
    const route = openSftpRoute('hq', routeTo(server, { hostKeys: [`SHA256:${'A'.repeat(43)}`] }))
    const failure: unknown = await route.check('pve1').catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'HostKeyMismatch' })
    expect(String(failure)).toContain(`${server.fingerprints.ed25519} (ssh-ed25519)`)
    expect(String(failure)).toContain(`${server.fingerprints.rsa} (ssh-rsa)`)
    await server.close()
  })

  it('says that a server without password login refused the password', async () => {
    const server = await startOpenSsh()
    const { privateKey: _, ...route } = routeTo(server)
    await expect(openSftpRoute('hq', { ...route, password: 'secret!' }).check('pve1')).rejects.toMatchObject({
      name: 'RouteLoginRejected',
      message: expect.not.stringContaining('secret!'),
    })
    await server.close()
  })
})
