import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const sshdPath = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path))

export interface OpenSshServer {
  port: number
  username: string
  /** Private key that may log in. */
  privateKey: string
  keyFile: string
  knownHostsFile: string
  fingerprints: { ed25519: string; rsa: string }
  folder: string
  pid: number
  close(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface Keys {
  fingerprints: OpenSshServer['fingerprints']
  /** What ssh-keygen wrote, by file name. */
  files: Readonly<Record<`${keyof typeof kinds}${'' | '.pub'}`, string>>
}

const kinds = { user: 'ed25519', 'host-ed25519': 'ed25519', 'host-rsa': 'rsa' } as const

/** Of all servers that this process starts: an RSA key takes ssh-keygen half a second of CPU time. */
let keys: Promise<Keys> | undefined

async function makeKeys(): Promise<Keys> {
  const folder = await mkdtemp(join(tmpdir(), 'guestlift-ssh-keys-'))
  for (const [name, kind] of Object.entries(kinds)) {
    await run('ssh-keygen', ['-q', '-t', kind, '-N', '', '-f', join(folder, name)])
  }
  const fingerprint = async (name: string): Promise<string> =>
    (await run('ssh-keygen', ['-lf', join(folder, name)])).stdout.split(' ')[1] ?? ''
  const read = async (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
  const made = {
    fingerprints: { ed25519: await fingerprint('host-ed25519.pub'), rsa: await fingerprint('host-rsa.pub') },
    files: {
      user: await read('user'),
      'user.pub': await read('user.pub'),
      'host-ed25519': await read('host-ed25519'),
      'host-ed25519.pub': await read('host-ed25519.pub'),
      'host-rsa': await read('host-rsa'),
      'host-rsa.pub': await read('host-rsa.pub'),
    },
  }
  await rm(folder, { recursive: true })
  return made
}

/**
 * Debian's OpenSSH server on a loopback port, with a configuration of its own, running as whoever runs this.
 * @param environment variables of the programs that it starts
 * @param under the command, from the server's folder, that starts the server in its own place
 */
export async function startOpenSsh(
  extraConfig: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  under: (folder: string) => readonly string[] = () => [],
): Promise<OpenSshServer> {
  if (sshdPath === undefined) throw new Error('no sshd')
  keys ??= makeKeys()
  const { fingerprints, files } = await keys
  const folder = await mkdtemp(join(tmpdir(), 'guestlift-sshd-'))
  // OpenSSH refuses a private key that others may read.
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  const keyFile = join(folder, 'user')
  const port = await freePort()
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host-ed25519')}`,
    `HostKey ${join(folder, 'host-rsa')}`,
    'PidFile none',
    `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'StrictModes no',
    'UsePAM no',
    // The user's shell finds no start-up files of its user there: theirs can take seconds, and they prove nothing.
    `SetEnv ${Object.entries({ HOME: folder, ...environment })
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
    ...extraConfig,
    ...(extraConfig.some((line) => line.startsWith('Subsystem ')) ? [] : ['Subsystem sftp internal-sftp -R']),
  ]
  await writeFile(join(folder, 'sshd_config'), `${config.join('\n')}\n`)
  const knownHostsFile = join(folder, 'known_hosts')
  const hostKeys = [files['host-ed25519.pub'], files['host-rsa.pub']]
  await writeFile(knownHostsFile, hostKeys.map((key) => `[127.0.0.1]:${port} ${key}`).join(''))
  // Started as root, sshd wants its folder for privilege separation.
  if (userInfo().uid === 0) await run('mkdir', ['-p', '/run/sshd'])
  const command = [sshdPath, '-D', '-e', '-f', join(folder, 'sshd_config')]
  const [program, ...words] = [...under(folder), ...command] as [string, ...string[]]
  const server = spawn(program, words, {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  server.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  for (let tries = 0; !said.includes('listening'); tries++) {
    if (tries > 200 || server.exitCode !== null) throw new Error(`sshd did not start: ${said}`)
    await delay(25)
  }
  return {
    port,
    username: userInfo().username,
    privateKey: files.user,
    keyFile,
    knownHostsFile,
    fingerprints,
    folder,
    pid: server.pid ?? 0,
    close: async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill()
      await ended
      await rm(folder, { recursive: true })
    },
  }
}
