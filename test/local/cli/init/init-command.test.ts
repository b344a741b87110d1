import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createSecurePage } from 'node:https'
import type { AddressInfo } from 'node:net'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { proxmoxSetUp } from '../../../../functions/providers/proxmox/set-up.ts'
import { sshAddress } from '../../../../local/cli/init/ssh-account.ts'
import { apiAddress } from '../../../../local/cli/init/tls-identity.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { createIdentity, fingerprintOf } from '../../../../local/labs/shared/certificate.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { guestlift as run } from '../command-line.ts'
import { ownEnvironment, ownKeys } from '../own-environment.ts'
import { guestliftInTerminal, hasTerminal } from './pseudo-terminal.ts'

let directory: string
let lab: Lab
let server: S3Server
let folder: string
let tries = 0
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-init-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    unauthorizedDelaySeconds: 0,
    guests: [{ vmid: 100, kind: 'lxc', name: 'db', dataBytes: 2 ** 16 }],
  })
  server = await startS3({ directory: join(directory, 's3'), ...ownKeys, buckets: ['archives'] })
  await writeFile(join(directory, 'reader'), lab.ssh.privateKey, { mode: 0o600 })
})
afterAll(async () => {
  await lab.close()
  await server.close()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(async () => {
  folder = join(directory, `folder-${(tries += 1)}`)
  await mkdir(folder)
})

const environment = () => ownEnvironment(directory)

const init = (words: readonly string[], env: Record<string, string> = {}) =>
  run(['init', '--yes', ...words], { cwd: folder, env: { ...environment(), ...env } })

const ssh = () => `${lab.ssh.username}@127.0.0.1:${lab.ssh.port}`
const known = () =>
  [
    ['--address', lab.apiUrl, '--fingerprint', lab.fingerprint],
    ['--ssh', ssh(), '--host-key', lab.ssh.hostKey, '--ssh-key', '../reader'],
    ['--bucket', 'archives', '--s3', server.url],
  ].flat()
const secret = () => ({ GUESTLIFT_SECRET: lab.token.secret })
const json = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(folder, name), 'utf8')) as Record<string, unknown>

describe('guestlift init --yes', () => {
  it('writes site, job and settings from flags, and ends with a doctor who finds nothing wrong', async () => {
    const { code, out } = await init(known(), secret())
    expect(out).toMatch(/^✓ login: Proxmox VE/mu)
    expect(out).toMatch(/^Nothing stands against a run/m)
    expect(out).not.toContain(lab.token.secret)
    expect(code).toBe(0)
    expect(await json('site.json')).toMatchObject({
      provider: 'proxmox',
      name: 'hq',
      endpoints: [lab.apiUrl],
      tls: { mode: 'fingerprint', fingerprints: [lab.fingerprint] },
      auth: { tokenId: 'backup@pve!guestlift' },
      route: { type: 'sftp', username: lab.ssh.username, hostKeys: [lab.ssh.hostKey], privateKeyFile: '../reader' },
    })
    expect((await stat(join(folder, 'site.json'))).mode & 0o777).toBe(0o600)
    expect(await json('job.json')).toEqual({ site: 'hq', guests: { all: true }, backup: { storage: 'local' } })
    expect(await json('guestlift.json')).toEqual({
      bucket: 'archives',
      s3: server.url,
      site: 'hq',
      siteFile: 'site.json',
    })
  })

  it('shows the certificate and sends nothing before a flag confirms it', async () => {
    const asked = lab.faults.requests.length
    const words = known().filter((word) => word !== '--fingerprint' && word !== lab.fingerprint)
    const { code, out, error } = await init(words, secret())
    expect(out).toContain(`  SHA-256  ${lab.fingerprint}\n`)
    expect(error).toMatch(/the certificate of 127\.0\.0\.1:\d+\? .*compare it, then give --fingerprint\./)
    expect(code).toBe(64)
    expect(lab.faults.requests).toHaveLength(asked)
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses a server with another certificate or host key than the flags say', async () => {
    const asked = lab.faults.requests.length
    const other = 'AB:'.repeat(31) + 'AB'
    const certificate = await init(
      known().map((word) => (word === lab.fingerprint ? other : word)),
      secret(),
    )
    expect(certificate.error).toMatch(/shows the certificate .*, and --fingerprint names another\. Nothing was sent/)
    const stranger = `SHA256:${'a'.repeat(43)}`
    const hostKey = await init(
      known().map((word) => (word === lab.ssh.hostKey ? stranger : word)),
      secret(),
    )
    expect(hostKey.error).toMatch(/shows the host key SHA256:.*, and --host-key names another\. No login was sent/)
    expect([certificate.code, hostKey.code]).toEqual([1, 1])
    expect(lab.faults.requests).toHaveLength(asked)
    expect(await readdir(folder)).toEqual([])
  })

  it('overwrites nothing unless told', async () => {
    await writeFile(join(folder, 'job.json'), 'mine')
    const refused = await init(known(), secret())
    expect(refused.error).toMatch(/There is job\.json in this folder already\. Add --force to replace it\./)
    expect(refused.code).toBe(1)
    expect(await readdir(folder)).toEqual(['job.json'])
    expect(await readFile(join(folder, 'job.json'), 'utf8')).toBe('mine')
    expect((await init([...known(), '--force'], secret())).code).toBe(0)
  })

  it('takes the secret from a file, and from no argument', async () => {
    await writeFile(join(directory, 'secret'), `${lab.token.secret}\n`)
    expect((await init([...known(), '--secret-file', '../secret'])).code).toBe(0)
    expect((await init([...known(), '--force'])).error).toMatch(/With --yes nothing is asked: give --secret-file\./)
    expect((await init([...known(), '--secret', 'x'])).error).toMatch(/unknown option '--secret'/)
  })

  it('writes the files also where doctor finds something wrong, and ends with its code', async () => {
    const { code, out } = await init(known(), { GUESTLIFT_SECRET: '00000000-0000-0000-0000-000000000000' })
    expect(out).toMatch(/^The storages can't be listed yet: Site hq: .* was rejected/m)
    expect(out).toMatch(/^✗ login: /mu)
    expect(code).toBe(1)
    expect((await readdir(folder)).toSorted()).toEqual(['guestlift.json', 'job.json', 'site.json'])
  })

  it('makes a key that OpenSSH and ssh2 read, and shows what to run with it', async () => {
    const at = known().indexOf('--ssh-key')
    const { out } = await init(known().toSpliced(at, 2), secret())
    const path = join(folder, 'guestlift_ed25519')
    const publicLine = (await readFile(`${path}.pub`, 'utf8')).trim()
    expect(publicLine).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\S+ guestlift$/)
    expect(out).toContain(`<<'KEY'\n${publicLine}\nKEY\n`)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const parsed = ssh2.utils.parseKey(await readFile(path))
    if (parsed instanceof Error) throw parsed
    expect(parsed.getPublicSSH().toString('base64')).toBe(publicLine.split(' ')[1])
    expect(publicLine).toContain(publicLineOf(path) ?? '')
  })

  it('adds an account for restores and the way of its files, which doctor then checks', async () => {
    const block = lab.site({ restores: true })['restore'] as { delivery: { username: string; privateKey: string } }
    await writeFile(join(directory, 'writer'), block.delivery.privateKey, { mode: 0o600 })
    const more = ['--restores', 'sftp', '--restore-ssh', `${block.delivery.username}@127.0.0.1:${lab.ssh.port}`]
    const secrets = { ...secret(), GUESTLIFT_RESTORE_SECRET: lab.restoreToken.secret }
    const { out, error } = await init([...known(), ...more, '--restore-ssh-key', '../writer'], secrets)
    expect(error).toBe('')
    expect(out).toContain('pveum role add GuestliftRestore')
    expect(out).toMatch(/^✓ account for restores: can log in$/mu)
    expect(out).toMatch(/^✓ storage for restores \(pve1\): /mu)
    expect(out).not.toContain(lab.restoreToken.secret)
    expect(await json('site.json')).toMatchObject({
      restore: {
        auth: { tokenId: 'restore@pve!guestlift', secret: lab.restoreToken.secret },
        delivery: { type: 'sftp', username: block.delivery.username, privateKeyFile: '../writer' },
      },
    })
  })

  it('makes a key of its own for what is brought back, and shows what to run with it', async () => {
    const more = ['--restores', 'pull', '--restore-ssh', `vzdump-pull@127.0.0.1:${lab.ssh.port}`]
    const { out } = await init([...known(), ...more], { ...secret(), GUESTLIFT_RESTORE_SECRET: 'x' })
    const publicLine = (await readFile(join(folder, 'guestlift_restore_ed25519.pub'), 'utf8')).trim()
    expect(out).toContain(`<<'KEY'\nrestrict ${publicLine}\nKEY\n`)
    expect((await stat(join(folder, 'guestlift_restore_ed25519'))).mode & 0o777).toBe(0o600)
  })

  it('takes restores by import without any account over SSH', async () => {
    const words = [...known(), '--restores', 'import']
    const { out } = await init(words, { ...secret(), GUESTLIFT_RESTORE_SECRET: lab.restoreToken.secret })
    expect(out).toContain('pvesm set local --content import')
    expect(await json('site.json')).toMatchObject({ restore: { delivery: { type: 'import' } } })
    expect((await init([...known(), '--force', '--restores', 'ftp'], secret())).error).toMatch(
      /--restores: It is none, pull, sftp or import\./,
    )
  })

  it('takes a web server of the site as the route, once its certificate is confirmed', async () => {
    const identity = createIdentity(['127.0.0.1'], new Date())
    const web = createSecurePage({ key: identity.key, cert: identity.cert }, (_, response) => response.end())
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(web.address() as AddressInfo).port}/{storage}/dump/{file}`
    const ssh = known().slice(0, 4)
    const words = [...ssh, ...known().slice(-4), '--route', 'https', '--route-url', url, '--route-account', 'reader']
    const secrets = { ...secret(), GUESTLIFT_ROUTE_SECRET: 'of the web server' }
    const refused = await init(words, secrets)
    expect(refused.error).toMatch(/shows the certificate .*, and --fingerprint names another\. Nothing was sent/)
    const fingerprint = fingerprintOf(identity.cert)
    const { out } = await init([...words, '--fingerprint', fingerprint], secrets)
    web.close()
    expect(out).not.toContain('of the web server')
    expect(await json('site.json')).toMatchObject({
      route: {
        type: 'https',
        url,
        tls: { mode: 'fingerprint', fingerprints: [fingerprint] },
        auth: { type: 'basic', username: 'reader', password: 'of the web server' },
      },
    })
    expect((await init([...words, '--route-url', 'http://nas/{file}', '--force'], secrets)).error).toMatch(
      /--route-url: the URL starts with https:\/\/\./,
    )
  })

  it('says what to do where there is no terminal to ask in', async () => {
    const { code, error } = await run(['init'], { cwd: folder, env: environment() })
    expect(error).toMatch(/There is no terminal to ask in: add --yes, and answer with flags/)
    expect(code).toBe(64)
  })
})

/** As OpenSSH's own tool reads the private key, where there is one. */
function publicLineOf(path: string): string | undefined {
  try {
    return execFileSync('ssh-keygen', ['-yf', path], { encoding: 'utf8' }).trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

describe.skipIf(!hasTerminal)('guestlift init in a terminal', () => {
  const surroundings = () => ({ cwd: folder, env: environment() })

  it('leaves nothing behind at Ctrl-C', async () => {
    const answers = [
      ['Which platform', '\r'],
      ['Name of the site', '\r'],
      ['Address of a node', `${lab.apiUrl}\r`],
      ['the certificate of', 'y'],
      ['Token as', '\u0003'],
    ] as const
    const { code, shown } = await guestliftInTerminal(['init'], answers, surroundings())
    expect(shown).toMatch(/Stopped\. Nothing was written\./)
    expect(code).toBe(130)
    expect(await readdir(folder)).toEqual([])
  })

  it('asks again for an address at which nobody is, and stops at a certificate that nobody confirms', async () => {
    const asked = lab.faults.requests.length
    const answers = [
      ['Which platform', '\r'],
      ['Name of the site', '\r'],
      ['Address of a node', 'https://127.0.0.1:1\r'],
      ['Check the address, the port', ''],
      ['Address of a node', `${lab.apiUrl}\r`],
      ['the certificate of', '\r'],
    ] as const
    const { code, shown } = await guestliftInTerminal(['init'], answers, surroundings())
    expect(shown).toMatch(
      /Stopped, since the certificate is not the right one\. Nothing was sent and nothing written\./,
    )
    expect(code).toBe(130)
    expect(lab.faults.requests).toHaveLength(asked)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('what people type', () => {
  it.each([
    ['pve1', 'https://pve1:8006'],
    ['pve1.example.com:8443', 'https://pve1.example.com:8443'],
    ['https://192.0.2.1:8006/', 'https://192.0.2.1:8006'],
    ['https://[2001:db8::1]', 'https://[2001:db8::1]:8006'],
    ['https://pve1:443', 'https://pve1'],
  ])('reads the address %s', (text, origin) => {
    expect(apiAddress(text, 8006)?.origin).toBe(origin)
  })

  it.each(['http://pve1:8006', 'https://user:secret@pve1', 'https://pve1/api2', 'two words'])(
    'refuses the address %s',
    (text) => {
      expect(apiAddress(text, 8006)).toBeUndefined()
    },
  )

  it('reads SSH accounts', () => {
    expect(sshAddress('vzdump-read@{node}.lab:2222')).toEqual({
      username: 'vzdump-read',
      host: '{node}.lab',
      port: 2222,
    })
    expect(sshAddress('me@[2001:db8::1]')).toEqual({ username: 'me', host: '[2001:db8::1]', port: 22 })
    expect(['pve1', 'me@pve1:0', 'me@pve1:x', '@pve1'].map(sshAddress)).toEqual(Array.from({ length: 4 }))
  })

  it('prints the commands for the account as the docs have them', async () => {
    const page = await readFile(new URL('../../../../docs/proxmox-setup.md', import.meta.url), 'utf8')
    expect(page).toContain(proxmoxSetUp.accountCommands('backup@pve!guestlift', 'local').join('\n'))
    const [user = '', , , , ...configuration] = proxmoxSetUp.routeCommands('sftp', 'vzdump-read', 'ssh-ed25519 AAAA')
    expect(page).toContain(user)
    expect(page).toContain(configuration.join('\n'))
    expect(page).toContain(proxmoxSetUp.restoreCommands('restore@pve!guestlift', 'local').join('\n'))
    expect(page).toContain(proxmoxSetUp.importCommands('restore@pve!guestlift', 'disks', 'pve1').join('\n'))
    for (const [type, name] of [
      ['sftp', 'vzdump-write'],
      ['pull', 'vzdump-pull'],
    ] as const) {
      const [account = '', , , , , , ...rest] = proxmoxSetUp.deliveryCommands(type, name, 'ssh-ed25519 AAAA')
      expect(page).toContain(account)
      expect(page).toContain(rest.join('\n'))
    }
  })
})
