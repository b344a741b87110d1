import { createHash } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import ssh2, { type SFTPWrapper } from 'ssh2'

const { Server, utils } = ssh2
const STATUS = utils.sftp.STATUS_CODE

export interface TestFile {
  body: Buffer
  modifiedAtSeconds: number
  mode?: number
}

/** How the server misbehaves; all of it may change while it runs. */
export interface Misbehaviour {
  /** Most bytes in an answer to READ. */
  longestAnswerBytes?: number
  /** Says EOF from here on, although STAT promised more. */
  eofAtBytes?: number
  /** Cuts the TCP connection after so many bytes of file data, `cuts` times altogether. */
  cutAfterBytes?: number
  cuts?: number
  /** Answers no READ from this position on. */
  stallAtBytes?: number
  /** Answers READs in another order than asked. */
  shuffle?: boolean
  /** Status in place of the answer to OPEN. */
  openStatus?: number
  /** Status in place of the answer to STAT. */
  statStatus?: number
  /** Status in place of the answer to READ. */
  readStatus?: number
  refuseSftp?: boolean
}

export interface SftpTestServer {
  port: number
  files: Map<string, TestFile>
  misbehaviour: Misbehaviour
  /** Methods by which clients tried to prove who they are. */
  authentications: string[]
  connections: number
  /** All READs, for seeing what was asked twice. */
  reads: { position: number; length: number }[]
  close(): Promise<void>
}

export const password = 'correct horse'

export interface HostKey {
  privateKey: string
  fingerprint: string
}

/** Now and then ssh2 1.17 writes a key that it can't read itself (a leading zero is lost): such a pair is thrown away. */
export function readablePair<Pair extends { private: string; public: string }>(make: () => Pair, pass?: string): Pair {
  for (;;) {
    const pair = make()
    const [secret, shown] = [utils.parseKey(pair.private, pass), utils.parseKey(pair.public)]
    if (!(secret instanceof Error) && !(shown instanceof Error) && secret.getPublicSSH().equals(shown.getPublicSSH())) {
      return pair
    }
  }
}

export function makeHostKey(kind: 'ed25519' | 'ecdsa'): HostKey {
  const pair = readablePair(() =>
    kind === 'ed25519' ? utils.generateKeyPairSync('ed25519') : utils.generateKeyPairSync('ecdsa', { bits: 256 }),
  )
  const blob = Buffer.from(pair.public.split(' ')[1] ?? '', 'base64')
  const hash = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  return { privateKey: pair.private, fingerprint: `SHA256:${hash}` }
}

/** An SFTP server on ssh2 with files in memory that does wrong on request. User `reader`; `password`, or any key. */
export async function startSftpTestServer(hostKeys: readonly HostKey[]): Promise<SftpTestServer> {
  const sockets = new Set<Socket>()
  const running: SftpTestServer = {
    port: 0,
    files: new Map(),
    misbehaviour: {},
    authentications: [],
    connections: 0,
    reads: [],
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  const server = new Server({ hostKeys: hostKeys.map((key) => key.privateKey) }, (client) => {
    running.connections++
    client.on('error', () => undefined)
    client.on('authentication', (context) => {
      if (context.method !== 'none') running.authentications.push(context.method)
      const passed =
        context.username === 'reader' &&
        ((context.method === 'password' && context.password === password) || context.method === 'publickey')
      if (passed) context.accept()
      else context.reject(['password', 'publickey'])
    })
    client.on('session', (accept) => {
      accept().on('sftp', (acceptSftp, rejectSftp) => {
        if (running.misbehaviour.refuseSftp === true) rejectSftp()
        else serve(running, acceptSftp(), () => [...sockets].at(-1)?.destroy())
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const listener = (server as unknown as { _srv: { on(event: 'connection', on: (socket: Socket) => void): void } })._srv
  listener.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  running.port = (server.address() as AddressInfo).port
  return running
}

function serve(running: SftpTestServer, sftp: SFTPWrapper, cut: () => void): void {
  const opened: TestFile[] = []
  let sentBytes = 0
  let held: (() => void)[] = []
  sftp.on('error', () => undefined)
  sftp.on('OPEN', (id, path) => {
    const file = running.files.get(path)
    const { openStatus } = running.misbehaviour
    if (openStatus !== undefined) sftp.status(id, openStatus)
    else if (file === undefined) sftp.status(id, STATUS.NO_SUCH_FILE)
    else sftp.handle(id, Buffer.from([opened.push(file) - 1]))
  })
  sftp.on('STAT', (id, path) => {
    const file = running.files.get(path)
    const { statStatus } = running.misbehaviour
    if (statStatus !== undefined) return sftp.status(id, statStatus)
    if (file === undefined) return sftp.status(id, STATUS.NO_SUCH_FILE)
    const { body, modifiedAtSeconds: time, mode = 0o100640 } = file
    return sftp.attrs(id, { size: body.length, mode, uid: 0, gid: 0, atime: time, mtime: time })
  })
  sftp.on('CLOSE', (id) => sftp.status(id, STATUS.OK))
  sftp.on('READ', (id, handle, position, length) => {
    running.reads.push({ position, length })
    const { misbehaviour } = running
    const file = opened[handle.readUInt8()]
    const end = Math.min(file?.body.length ?? 0, misbehaviour.eofAtBytes ?? Number.MAX_SAFE_INTEGER)
    if (position >= (misbehaviour.stallAtBytes ?? Number.MAX_SAFE_INTEGER)) return
    const answer = (): void => {
      if (misbehaviour.readStatus !== undefined) return sftp.status(id, misbehaviour.readStatus)
      if (file === undefined || position >= end) return sftp.status(id, STATUS.EOF)
      const bytes = Math.min(length, end - position, misbehaviour.longestAnswerBytes ?? length)
      sentBytes += bytes
      if (sentBytes > (misbehaviour.cutAfterBytes ?? Number.MAX_SAFE_INTEGER) && (misbehaviour.cuts ?? 1) > 0) {
        misbehaviour.cuts = (misbehaviour.cuts ?? 1) - 1
        return cut()
      }
      return sftp.data(id, file.body.subarray(position, position + bytes))
    }
    if (misbehaviour.shuffle !== true) return answer()
    // All that has come together is answered backwards.
    if (held.length === 0) {
      setImmediate(() => {
        const waiting = held.reverse()
        held = []
        for (const one of waiting) one()
      })
    }
    held.push(answer)
  })
}
