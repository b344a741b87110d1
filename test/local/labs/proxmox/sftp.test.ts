import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ssh2, { type SFTPWrapper } from 'ssh2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type TestSite, testSite } from './api-client.ts'

const READ_BYTES = 255 * 1024

let site: TestSite
let archive: { file: string; path: string }
let scratch: string
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'lab-sftp-'))
  site = await testSite({ guestBytes: 4 * 1024 ** 2 })
  await site.backUp(101)
  const [found] = site.lab.control.archives()
  if (found === undefined) throw new Error('no archive')
  archive = found
})
afterEach(async () => {
  rmSync(scratch, { recursive: true })
  await site.dispose()
})

type Access = { password: string } | { privateKey: string }

async function connect(access?: Access): Promise<{ client: ssh2.Client; sftp: SFTPWrapper }> {
  const { host, port, username, privateKey } = site.lab.ssh
  const client = new ssh2.Client()
  await new Promise<void>((resolve, reject) => {
    client.on('ready', () => resolve()).on('error', reject)
    client.connect({ host, port, username, ...(access ?? { privateKey }) })
  })
  return { client, sftp: await promisify(client.sftp.bind(client))() }
}

function openHandle(sftp: SFTPWrapper, path: string, mode: 'r' | 'w'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sftp.open(path, mode, (error, handle) => {
      if (error) reject(error)
      else resolve(handle)
    })
  })
}

async function readAll(sftp: SFTPWrapper, path: string): Promise<Buffer> {
  const handle = await openHandle(sftp, path, 'r')
  const { size } = await promisify<Buffer, { size: number }>(sftp.fstat.bind(sftp))(handle)
  const target = Buffer.alloc(size)
  const reads: Promise<void>[] = []
  for (let at = 0; at < size; at += READ_BYTES) {
    const length = Math.min(READ_BYTES, size - at)
    reads.push(
      new Promise((resolve, reject) => {
        sftp.read(handle, target, at, length, at, (error, bytes) => {
          if (error) reject(error)
          else if (bytes !== length) reject(new Error(`short read of ${bytes}`))
          else resolve()
        })
      }),
    )
  }
  await Promise.all(reads)
  return target
}

const nodePath = (): string => `/mnt/pve/nas/dump/${archive.file}`

describe('the lab over SFTP', () => {
  it('gives the file at the path that the API tells, with many reads at once', async () => {
    const volid = encodeURIComponent(`nas:backup/${archive.file}`)
    const shown = JSON.parse((await site.call('GET', `/nodes/pve1/storage/nas/content/${volid}`)).body) as {
      data: { path: string }
    }
    expect(shown.data.path).toBe(nodePath())
    const { client, sftp } = await connect()
    expect((await readAll(sftp, shown.data.path)).equals(readFileSync(archive.path))).toBe(true)
    client.end()
  })

  it('takes the password too, and refuses others', async () => {
    const { client } = await connect({ password: site.lab.ssh.password })
    client.end()
    await expect(connect({ password: 'wrong' })).rejects.toThrow(/authentication/)
    site.lab.faults.onSftp({ kind: 'refuse-auth' })
    await expect(connect()).rejects.toThrow(/authentication/)
  })

  it('writes nothing', async () => {
    const { client, sftp } = await connect()
    await expect(openHandle(sftp, `${nodePath()}.x`, 'w')).rejects.toThrow(/denied/i)
    await expect(promisify<string>(sftp.unlink.bind(sftp))(nodePath())).rejects.toThrow(/denied/i)
    client.end()
  })

  it('ends files early, or cuts the connection, when told', async () => {
    site.lab.faults.onSftp({ kind: 'short-file', bytes: 300_000 })
    const short = await connect()
    await expect(readAll(short.sftp, nodePath())).rejects.toThrow(/short read|EOF|end of file/i)
    short.client.end()
    site.lab.faults.onSftp({ kind: 'cut-after', bytes: 1_000_000 })
    const cut = await connect()
    const dropped = new Promise<void>((resolve) => {
      cut.client.on('close', () => resolve()).on('error', () => undefined)
    })
    await expect(readAll(cut.sftp, nodePath())).rejects.toThrow(/connection|response|closed|end/i)
    await dropped
    const again = await connect()
    expect((await readAll(again.sftp, nodePath())).length).toBe(readFileSync(archive.path).length)
    again.client.end()
  })

  it('fails to read beyond a bad place on the disk, when told', async () => {
    site.lab.faults.onSftp({ kind: 'disk-error', bytes: 1_000_000 })
    const { client, sftp } = await connect()
    await expect(readAll(sftp, nodePath())).rejects.toMatchObject({ code: 4 })
    client.end()
    const again = await connect()
    expect((await readAll(again.sftp, nodePath())).length).toBe(readFileSync(archive.path).length)
    again.client.end()
  })

  it('shows another host key when told', async () => {
    const seen = async (): Promise<string> => {
      let hash = ''
      const { host, port, username, privateKey } = site.lab.ssh
      const client = new ssh2.Client()
      await new Promise<void>((resolve, reject) => {
        client.on('ready', () => resolve()).on('error', reject)
        client.connect({
          host,
          port,
          username,
          privateKey,
          hostHash: 'sha256',
          hostVerifier: (key: string) => {
            hash = `SHA256:${Buffer.from(key, 'hex').toString('base64').replace(/=+$/, '')}`
            return true
          },
        })
      })
      client.end()
      return hash
    }
    expect(await seen()).toBe(site.lab.ssh.hostKey)
    const other = site.lab.control.presentOtherHostKey()
    expect(other).not.toBe(site.lab.ssh.hostKey)
    expect(await seen()).toBe(other)
  })

  it('knows who is who when many connect at once', async () => {
    const logins = await Promise.all(Array.from({ length: 24 }, () => connect()))
    expect(logins).toHaveLength(24)
    for (const { client } of logins) client.end()
  })

  it('keeps to its view when it is chrooted', async () => {
    site.lab.control.chrootSsh('/mnt/pve/nas')
    const { client, sftp } = await connect()
    expect((await readAll(sftp, `/dump/${archive.file}`)).equals(readFileSync(archive.path))).toBe(true)
    await expect(readAll(sftp, `/../../../dump/../../${archive.file}`)).rejects.toThrow(/no such file/i)
    client.end()
  })

  it.skipIf(spawnSync('sftp', ['-V']).error !== undefined)('serves the OpenSSH client', async () => {
    const { port, username, privateKey } = site.lab.ssh
    const [key, batch, target] = [join(scratch, 'key'), join(scratch, 'batch'), join(scratch, 'got')]
    writeFileSync(key, privateKey, { mode: 0o600 })
    writeFileSync(batch, `ls -l /mnt/pve/nas/dump\nget ${nodePath()} ${target}\n`)
    const options = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']
    // Never the blocking form: the server lives in this process and would wait for itself.
    await promisify(execFile)('sftp', ['-b', batch, ...options, '-i', key, '-P', String(port), `${username}@127.0.0.1`])
    expect(readFileSync(target).equals(readFileSync(archive.path))).toBe(true)
  })
})
