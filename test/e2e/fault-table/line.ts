/** The line between functions and a site: lets connections through, or does to them what lines do. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export type Mishap =
  /** Reset as soon as it is accepted. */
  | { kind: 'reset' }
  /** Closed politely before a byte was said, as sshd does beyond its MaxStartups. */
  | { kind: 'close' }
  /** Reset once the server has said so much. */
  | { kind: 'reset-after'; bytes: number }
  /** Nothing more passes in either direction once the server has said so much; nothing is closed. */
  | { kind: 'stall-after'; bytes: number }

export interface Line {
  port: number
  /** When a connection last fell silent, in milliseconds since 1970. */
  readonly silentSince: number | undefined
  /** What happens to the connections that come next, one each. */
  next(...mishaps: Mishap[]): void
  /** What happens to every further connection. */
  always(mishap: Mishap): void
  /** Connections are refused, and those that are open are reset. */
  down(): Promise<void>
  up(): Promise<void>
  /** Reset what is open; the next connection gets through. */
  cut(): void
  /** Bytes a second from the server, of all connections together. */
  pace(bytesPerSecond: number | undefined): void
  /** As new. */
  clear(): Promise<void>
  close(): Promise<void>
}

export async function startLine(targetPort: number): Promise<Line> {
  const open = new Set<Socket>()
  let queue: Mishap[] = []
  let silentSince: number | undefined
  let standing: Mishap | undefined
  let bytesPerSecond: number | undefined
  /** When the line is free again. */
  let freeAt = 0
  let server: Server | undefined

  const serve = (client: Socket): void => {
    open.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => open.delete(client))
    const mishap = queue.shift() ?? standing
    if (mishap?.kind === 'reset') {
      client.resetAndDestroy()
      return
    }
    if (mishap?.kind === 'close') {
      client.end()
      return
    }
    const site = connect(targetPort, '127.0.0.1')
    const end = (): void => {
      client.destroy()
      site.destroy()
    }
    site.on('error', end)
    client.on('close', end)
    site.on('close', end)
    let said = 0
    let silent = mishap?.kind === 'stall-after' && mishap.bytes === 0
    if (silent) silentSince = Date.now()
    client.on('data', (bytes) => {
      if (!silent) site.write(bytes)
    })
    site.on('data', (bytes) => {
      if (silent) return
      said += bytes.length
      if (mishap !== undefined && said > mishap.bytes) {
        if (mishap.kind === 'reset-after') {
          client.resetAndDestroy()
          return
        }
        silent = true
        silentSince = Date.now()
        site.pause()
        return
      }
      const flowing = client.write(bytes)
      const now = performance.now()
      if (bytesPerSecond !== undefined) freeAt = Math.max(now, freeAt) + (bytes.length / bytesPerSecond) * 1000
      const wait = freeAt - now
      if (flowing && wait <= 1) return
      site.pause()
      if (wait > 1) setTimeout(() => site.resume(), wait)
      else client.once('drain', () => site.resume())
    })
  }

  const listen = async (port: number): Promise<AddressInfo> => {
    const listening = createServer(serve)
    server = listening
    listening.listen(port, '127.0.0.1')
    await once(listening, 'listening')
    return listening.address() as AddressInfo
  }
  const cut = (): void => {
    for (const socket of open) socket.resetAndDestroy()
  }
  const down = async (): Promise<void> => {
    const listening = server
    server = undefined
    if (listening === undefined) return
    const closed = once(listening, 'close')
    listening.close()
    cut()
    await closed
  }
  const { port } = await listen(0)
  const up = async (): Promise<void> => {
    if (server === undefined) await listen(port)
  }
  return {
    port,
    get silentSince() {
      return silentSince
    },
    next: (...mishaps) => void queue.push(...mishaps),
    always: (mishap) => {
      standing = mishap
    },
    down,
    up,
    cut,
    pace: (rate) => {
      bytesPerSecond = rate
    },
    clear: async () => {
      queue = []
      standing = undefined
      bytesPerSecond = undefined
      cut()
      await up()
    },
    close: down,
  }
}
