import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { startChild } from './child.ts'
import { median, rounded } from './statistics.ts'

export interface LineCheck {
  /** Median of a byte's way there and back. */
  pingMilliseconds: number
  /** Rate of one plain bulk transfer, from its first to its last byte. */
  shareOfLink: number
}

/** Of the line's rate: long enough for a share, whatever the rate. */
const BULK_SECONDS = 4
const PINGS = 11
const BLOCK_BYTES = 2 ** 20
const BULK = Buffer.from('B')

/** Does the line do what it says? Measured with plain TCP, so that what a route misses is known to be the route's. */
export async function checkLine(roundTripMilliseconds: number, bytesPerSecond: number): Promise<LineCheck> {
  const bulkBytes = Math.ceil((BULK_SECONDS * bytesPerSecond) / BLOCK_BYTES) * BLOCK_BYTES
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (asked) => (asked.equals(BULK) ? sendBulk(socket, bulkBytes) : socket.write(asked)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const target = (server.address() as AddressInfo).port
  const line = await startChild('line.ts', [target, roundTripMilliseconds, bytesPerSecond].map(String))
  const socket = connect({ port: line.port, host: '127.0.0.1', noDelay: true })
  try {
    const pings: number[] = []
    for (let ping = 0; ping < PINGS; ping++) {
      const askedAt = performance.now()
      const answered = new Promise((resolve) => socket.once('data', resolve))
      socket.write('p')
      await answered
      pings.push(performance.now() - askedAt)
    }
    const seconds = await receiveBulk(socket, bulkBytes)
    return {
      pingMilliseconds: rounded(median(pings), 1),
      shareOfLink: rounded(bulkBytes / seconds / bytesPerSecond),
    }
  } finally {
    socket.destroy()
    line.stop()
    server.close()
  }
}

function sendBulk(socket: Socket, bytes: number): void {
  const block = Buffer.alloc(BLOCK_BYTES)
  let left = bytes / block.length
  const send = (): void => {
    while (left > 0) {
      left--
      if (!socket.write(block)) {
        socket.once('drain', send)
        return
      }
    }
  }
  send()
}

/** Seconds from the first to the last byte. */
async function receiveBulk(socket: Socket, bytes: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let received = 0
  let firstAt = 0
  socket.on('close', () => reject(new Error('the line was cut')))
  socket.on('data', (chunk) => {
    if (received === 0) firstAt = performance.now()
    received += chunk.length
    if (received >= bytes) resolve((performance.now() - firstAt) / 1000)
  })
  socket.write(BULK)
  return promise
}
