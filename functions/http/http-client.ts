import type { OnReadOpts } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ConnectionLost, type Exchange, HttpConnection } from './http-connection.ts'
import { MalformedAnswer, type ResponseHead } from './http-response-head.ts'

/** Opens one connection whose peer has proved who it is. */
export type OpenSocket = (onread: OnReadOpts, signal: AbortSignal) => Promise<TLSSocket>

/**
 * Exchanges with one server, each on a connection of its own while it lasts, and connections kept for the next: there are
 * as many as there were exchanges at the same time.
 */
export class HttpClient {
  readonly #openSocket: OpenSocket
  readonly #idleMilliseconds: number
  readonly #connections = new Set<HttpConnection>()
  /** Free connections, last used last: those are the least likely to have been closed by the server. */
  #free: HttpConnection[] = []
  readonly #closing = new AbortController()

  constructor(openSocket: OpenSocket, idleMilliseconds: number) {
    this.#openSocket = openSocket
    this.#idleMilliseconds = idleMilliseconds
  }

  /**
   * A server may close a kept connection at any moment, also when the next request is on its way. So an exchange that got
   * no answer on a kept connection is made once more on a fresh one; reading twice does no harm.
   * @throws ConnectionLost, MalformedAnswer, what `exchange.accept` throws, what opening throws, the signal's reason
   */
  async run(exchange: Exchange, signal?: AbortSignal): Promise<ResponseHead> {
    this.#assertOpen()
    signal?.throwIfAborted()
    this.#free = this.#free.filter((connection) => connection.usable)
    const kept = this.#free.pop()
    if (kept !== undefined) {
      try {
        return await this.#runOn(kept, exchange, signal)
      } catch (error) {
        const unanswered = (error instanceof ConnectionLost && !error.answered) || error instanceof MalformedAnswer
        if (!unanswered || signal?.aborted || this.#closing.signal.aborted) throw error
      }
    }
    const fresh = await this.#open(signal)
    return this.#runOn(fresh, exchange, signal)
  }

  close(): void {
    this.#closing.abort(new ConnectionLost('the reader was closed', false))
    for (const connection of this.#connections) connection.destroy()
    this.#connections.clear()
    this.#free = []
  }

  async #runOn(connection: HttpConnection, exchange: Exchange, signal: AbortSignal | undefined): Promise<ResponseHead> {
    try {
      return await connection.run(exchange, signal)
    } finally {
      if (connection.usable) this.#free.push(connection)
      else this.#connections.delete(connection)
    }
  }

  async #open(signal: AbortSignal | undefined): Promise<HttpConnection> {
    const connection = new HttpConnection(this.#idleMilliseconds)
    const { signal: closing } = this.#closing
    connection.attach(
      await this.#openSocket(connection.onread, signal === undefined ? closing : AbortSignal.any([closing, signal])),
    )
    if (closing.aborted) connection.destroy()
    this.#assertOpen()
    this.#connections.add(connection)
    return connection
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
  }
}
