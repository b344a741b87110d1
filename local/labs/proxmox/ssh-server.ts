/** An SSH server with the sftp subsystem and nothing else, for one account that reads and one that writes. */
import { createServer, type Socket } from 'node:net'
import { timingSafeEqual } from 'node:crypto'
import ssh2, { type AuthContext, type Connection } from 'ssh2'
import type { SftpFault } from './faults.ts'
import { serveSftp } from './sftp-session.ts'
import type { HostKey } from './ssh-keys.ts'
import type { World } from './world.ts'
import { listenOnLoopback } from '../shared/loopback.ts'

export interface SshAccount {
  username: string
  password: string
  key: HostKey
  /** It may write where backups lie. */
  mayWrite?: boolean
}

export interface SshServer {
  port: number
  /** Show another host key to connections from now on; without one, its own again. */
  present(key?: HostKey): void
  /** The account's view starts here: `/var/lib/vz` makes `/dump` of `/var/lib/vz/dump`. */
  chroot(path: string): void
  /** Connections so far. */
  readonly connections: number
  close(): Promise<void>
}

const ALGORITHMS = {
  cipher: ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com', 'aes256-ctr', 'aes192-ctr', 'aes128-ctr'],
} as const

function same(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function admits(context: AuthContext, account: SshAccount): boolean {
  if (context.username !== account.username) return false
  if (context.method === 'password') return same(Buffer.from(context.password), Buffer.from(account.password))
  if (context.method !== 'publickey') return false
  const key = ssh2.utils.parseKey(account.key.publicKey)
  if (key instanceof Error || context.key.algo !== key.type || !same(context.key.data, key.getPublicSSH())) return false
  // Without a signature the client only asks whether this key would do.
  if (context.signature === undefined || context.blob === undefined) return true
  return key.verify(context.blob, context.signature, context.hashAlgo)
}

function serve(
  world: World,
  client: Connection,
  accounts: readonly SshAccount[],
  faults: readonly SftpFault[],
  cut: () => void,
  root: () => string,
): void {
  let mayWrite = false
  client.on('authentication', (context) => {
    const refused = faults.some((fault) => fault.kind === 'refuse-auth')
    const account = accounts.find((one) => admits(context, one))
    if (refused || account === undefined) {
      context.reject(['publickey', 'password'])
      return
    }
    mayWrite = account.mayWrite === true
    context.accept()
  })
  client.on('session', (accept) => {
    const session = accept()
    session.on('sftp', (acceptSftp) => serveSftp(world, acceptSftp(), faults, cut, root, mayWrite))
    session.on('exec', (_accept, reject) => reject())
    session.on('shell', (_accept, reject) => reject())
  })
  client.on('error', () => undefined)
}

export async function startSshServer(
  world: World,
  port: number,
  hostKey: HostKey,
  accounts: readonly SshAccount[],
): Promise<SshServer> {
  const sockets = new Set<Socket>()
  let root = ''
  let count = 0
  const build = (key: HostKey): ssh2.Server =>
    new ssh2.Server({ hostKeys: [key.privateKey], algorithms: { cipher: [...ALGORITHMS.cipher] } }, () => undefined)
  let presented = hostKey
  const listener = createServer((socket) => {
    count += 1
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    const faults = world.faults.takeSftp()
    // One ssh2 server per connection: it tells of a connection only after the version exchange, when another may have come.
    const server = build(presented)
    server.on('connection', (client) =>
      serve(
        world,
        client,
        accounts,
        faults,
        () => socket.resetAndDestroy(),
        () => root,
      ),
    )
    server.injectSocket(socket)
  })
  const listening = await listenOnLoopback(listener, port)
  return {
    port: listening,
    present(key = hostKey) {
      presented = key
    },
    chroot(path) {
      root = path
    },
    get connections() {
      return count
    },
    async close() {
      const closed = new Promise<void>((resolve) => {
        listener.close(() => resolve())
      })
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
