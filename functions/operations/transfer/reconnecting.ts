import { ConnectionDropped } from '../../contracts/errors.ts'
import type { Ports } from '../ports.ts'

/** Connections that may drop in a row, without anything done in between, before the call gives up. */
const MAX_DROPS_IN_A_ROW = 4
const FIRST_PAUSE_MILLISECONDS = 1_000

/** One connection to a source for the length of a call, shared by all that use it, and opened again when it drops. */
export class Reconnecting<Connection extends { close(): Promise<void> }> {
  readonly #ports: Pick<Ports, 'sleep' | 'log'>
  readonly #site: string
  readonly #open: () => Promise<Connection>
  #connection: Promise<Connection> | undefined
  #drops = 0
  #dropsInARow = 0

  constructor(ports: Pick<Ports, 'sleep' | 'log'>, site: string, open: () => Promise<Connection>) {
    this.#ports = ports
    this.#site = site
    this.#open = open
  }

  /** Connections that broke and were replaced, or could not be. */
  get drops(): number {
    return this.#drops
  }

  /** Do something over the connection, over as many of them as it takes. @throws ConnectionDropped and what `work` throws */
  async use<T>(work: (connection: Connection) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      const opening = (this.#connection ??= this.#open())
      try {
        const done = await work(await opening)
        this.#dropsInARow = 0
        return done
      } catch (error) {
        if (!(error instanceof ConnectionDropped) || signal.aborted) throw error
        await this.#afterDrop(opening, error)
      }
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await closeQuietly(connection)
  }

  /** All users of a connection fail at once; the first to come here discards it, and the others wait for the next. */
  async #afterDrop(dropped: Promise<Connection>, reason: ConnectionDropped): Promise<void> {
    if (this.#connection !== dropped) return
    this.#drops++
    this.#dropsInARow++
    if (this.#dropsInARow > MAX_DROPS_IN_A_ROW) throw reason
    const drops = this.#dropsInARow
    this.#ports.log('connection-dropped', { site: this.#site, drops, reason: reason.message })
    this.#connection = (async () => {
      await closeQuietly(dropped)
      await this.#ports.sleep(FIRST_PAUSE_MILLISECONDS * 2 ** (drops - 1))
      return this.#open()
    })()
    // Awaited by the next round of each user; a failure before that must not count as unhandled.
    this.#connection.catch(() => undefined)
  }
}

async function closeQuietly(connection: Promise<{ close(): Promise<void> }> | undefined): Promise<void> {
  await connection?.then(
    (open) => open.close(),
    () => undefined,
  )
}
