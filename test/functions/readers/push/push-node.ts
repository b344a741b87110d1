/** What the tests of the push route need around OpenSSH: the agents that run under it, and ways for them to send. */
import { readdirSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { PushRoute } from '../../../../functions/contracts/route.ts'
import type { OpenSshServer } from '../../ssh/openssh-server.ts'

export function pushRouteTo(server: OpenSshServer, changes: Partial<PushRoute> = {}): PushRoute {
  const { port, username, privateKey, fingerprints } = server
  return { type: 'push', host: '127.0.0.1', port, username, privateKey, hostKeys: [fingerprints.ed25519], ...changes }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function isBelow(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === ancestor) return true
  return false
}

/** Command lines of the agents that this server runs at the moment, by process id. */
export function agentsOf(server: OpenSshServer): Map<number, string> {
  const found = new Map<number, string>()
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      if (command.startsWith('perl ') && isBelow(pid, server.pid)) found.set(pid, command)
    } catch {
      // It ended between the listing and the look.
    }
  }
  return found
}

/** Waits until something holds; fails after a while, and says what didn't. */
export async function eventually(what: string, holds: () => boolean, seconds = 10): Promise<void> {
  for (const until = performance.now() + seconds * 1000; !holds(); await delay(20)) {
    if (performance.now() > until) throw new Error(`${what}: not within ${seconds} s`)
  }
}

export interface Gate {
  url: string
  /** Bytes that came from the agents. */
  receivedBytes: number
  /** Connections that are open at the moment. */
  open: number
  /** Take what comes and throw it away: a socket that isn't read from doesn't tell of its end. */
  drain(): void
  close(): Promise<void>
}

/** A way to a server that lets so many bytes through, and then stands still without closing anything. */
export async function startGate(targetPort: number, passBytes: number): Promise<Gate> {
  const sockets = new Set<Socket>()
  let draining = false
  const server = createServer((inner) => {
    const outer = connect(targetPort, '127.0.0.1')
    gate.open++
    sockets.add(inner).add(outer)
    inner.on('data', (chunk: Buffer) => {
      gate.receivedBytes += chunk.length
      if (gate.receivedBytes < passBytes) outer.write(chunk)
      else if (!draining) inner.pause()
    })
    inner.on('close', () => {
      gate.open--
      outer.destroy()
    })
    outer.on('data', (chunk: Buffer) => inner.write(chunk))
    for (const socket of [inner, outer]) socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gate: Gate = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    receivedBytes: 0,
    open: 0,
    drain: () => {
      draining = true
      for (const socket of sockets) socket.resume()
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return gate
}

/** A server that says its answer to whatever connects, at once, and hangs up when it likes. */
export async function startBlurter(blurt: (socket: Socket) => void): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    blurt(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
