/** What the tests of writers need around OpenSSH: the sessions that run under it, and servers with less than root has. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SshLogin } from '../../../functions/contracts/route.ts'
import { type OpenSshServer, startOpenSsh } from '../ssh/openssh-server.ts'

function childrenOf(parent: number): number[] {
  const found: number[] = []
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === parent) found.push(pid)
    } catch {
      // It ended between the listing and the look.
    }
  }
  return found
}

function signalSessions(server: OpenSshServer, signal: NodeJS.Signals): void {
  const below = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...below(child)])
  for (const pid of below(server.pid)) {
    try {
      process.kill(pid, signal)
    } catch {
      // It ended with its parent.
    }
  }
}

/** All that the server runs for those who are logged in ends at once. */
export const killSessions = (server: OpenSshServer): void => signalSessions(server, 'SIGKILL')
/** All that the server runs for those who are logged in stands still, and closes nothing. */
export const stopSessions = (server: OpenSshServer): void => signalSessions(server, 'SIGSTOP')

export function loginAt(server: OpenSshServer): SshLogin {
  const { port, username, privateKey, fingerprints } = server
  return { host: '127.0.0.1', port, username, privateKey, hostKeys: [fingerprints.ed25519] }
}

/** Root may write everywhere; without this right it is like anyone. */
export function startUnprivileged(config: readonly string[]): Promise<OpenSshServer> {
  const without = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search']
  return startOpenSsh(config, {}, () => (process.getuid?.() === 0 ? without : []))
}

/** A server that sees a disk of 8 MiB in its folder `small`. Needs the right to mount, in a namespace of its own. */
export async function startOnSmallDisk(config: readonly string[]): Promise<OpenSshServer | undefined> {
  const mountable = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
  if (!mountable) return undefined
  return startOpenSsh(config, {}, (folder) => {
    const disk = join(folder, 'small')
    mkdirSync(disk)
    return ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=8m none "$0" && exec "$@"', disk]
  })
}
