/**
 * A long line of limited rate in front of a TCP server: a process of its own. Each direction carries `bytes per second`,
 * shared by all its connections, and delivers half a round trip later, never earlier. Prints its port.
 *
 * It shows what a protocol's own windows do over distance. TCP itself ends at the line on both sides, so TCP's slow
 * start, its windows and lost packets are not part of the picture, neither for us nor for the peers.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const [targetPort = 0, roundTripMilliseconds = 0, bytesPerSecond = 0] = process.argv.slice(2).map(Number)
const bytesPerMillisecond = bytesPerSecond / 1000

/** What one connection may have on the line in one direction: twice bandwidth × delay, and room for a scheduler's pause. */
const HELD_BYTES = Math.max(8 * 2 ** 20, 2 * bytesPerMillisecond * roundTripMilliseconds)
const RESUME_BYTES = HELD_BYTES / 2

/** One direction: bytes leave in the order in which they came, whoever's they are. */
class Direction {
  readonly #queue: { dueAt: number; deliver: () => void }[] = []
  #freeAt = 0
  #waiting = false

  carry(bytes: number, deliver: () => void): void {
    this.#freeAt = Math.max(performance.now(), this.#freeAt) + bytes / bytesPerMillisecond
    this.#queue.push({ dueAt: this.#freeAt + roundTripMilliseconds / 2, deliver })
    if (!this.#waiting) this.#wait()
  }

  #wait(): void {
    const next = this.#queue[0]
    this.#waiting = next !== undefined
    if (next === undefined) return
    setTimeout(
      () => {
        // Timers may fire a fraction of a millisecond early; what isn't due stays for the next.
        for (let due = this.#queue[0]; due !== undefined && due.dueAt <= performance.now(); due = this.#queue[0]) {
          this.#queue.shift()
          due.deliver()
        }
        this.#wait()
      },
      Math.max(0, Math.ceil(next.dueAt - performance.now())),
    )
  }
}

/** Carry what `from` says to `to`, its end included. What isn't taken at the far end stops the near end. */
function join(from: Socket, to: Socket, direction: Direction): void {
  let heldBytes = 0
  from.on('data', (chunk: Buffer) => {
    heldBytes += chunk.length
    if (heldBytes > HELD_BYTES) from.pause()
    direction.carry(chunk.length, () => {
      to.write(chunk, () => {
        heldBytes -= chunk.length
        if (heldBytes <= RESUME_BYTES && from.isPaused()) from.resume()
      })
    })
  })
  from.on('end', () => direction.carry(0, () => to.end()))
  from.on('error', () => undefined)
  from.on('close', () => direction.carry(0, () => to.destroy()))
}

const outbound = new Direction()
const inbound = new Direction()

const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
  const site = connect({
    port: targetPort,
    host: '127.0.0.1',
    allowHalfOpen: true,
    noDelay: true,
    autoSelectFamily: false,
  })
  // On a real line a client may speak one round trip after its SYN; here, the kernel accepted at once.
  site.pause()
  setTimeout(() => {
    join(client, site, outbound)
    join(site, client, inbound)
    client.resume()
    site.resume()
  }, roundTripMilliseconds)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
// The benchmark ends it by closing its standard input, so that none outlives a benchmark that was killed.
process.stdin.resume().on('end', () => process.exit(0))
