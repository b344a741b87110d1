/** A TCP line that can be cut, held and slowed. */
import { createServer, connect, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

export interface Proxy {
  port: number
  /** Break every connection; new ones are taken. */
  cut(): void
  /** Hold all bytes, both ways, until `resume`. */
  pause(): void
  resume(): void
  /** Each piece arrives so much later. */
  setDelay(milliseconds: number): void
  close(): Promise<void>
}

export async function startProxy(targetPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let delayMilliseconds = 0
  let paused = false
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1')
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('data', (piece: Buffer) => {
        if (delayMilliseconds === 0) pass(from, to, piece)
        else setTimeout(() => pass(from, to, piece), delayMilliseconds)
      })
      // Behind what is still under way.
      from.on('end', () => setTimeout(() => to.end(), delayMilliseconds))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        if (from.destroyed && !from.readableEnded) to.destroy()
      })
      if (paused) from.pause()
    }
  })
  function pass(from: Socket, to: Socket, piece: Buffer): void {
    if (to.destroyed || to.write(piece) || paused) return
    from.pause()
    to.once('drain', () => {
      if (!paused) from.resume()
    })
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    pause: () => {
      paused = true
      for (const socket of sockets) socket.pause()
    },
    resume: () => {
      paused = false
      for (const socket of sockets) socket.resume()
    },
    setDelay: (milliseconds) => {
      delayMilliseconds = milliseconds
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
