import type { OnReadOpts } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HttpBody } from './http-body.ts'
import { contentLengthOf, keepsAlive, MalformedAnswer, parseHead, type ResponseHead } from './http-response-head.ts'

/** The connection ended, broke or went silent before an answer was whole. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
  /** The head of the answer was there: the server had taken the request. */
  readonly answered: boolean

  constructor(message: string, answered: boolean, cause?: unknown) {
    super(message, { cause })
    this.answered = answered
  }
}

export interface Exchange {
  /** Request line and header lines, with the empty line at their end. */
  request: string
  /** The answer to a HEAD has no body, whatever its head says. */
  isHead: boolean
  /**
   * Judge the answer's head. Returns what takes the body: exactly as many bytes as it misses; `undefined` where nothing
   * of the body is wanted. Throws to refuse the answer.
   */
  accept(head: ResponseHead): HttpBody | undefined
}

interface UnderWay {
  exchange: Exchange
  /** Once the head was accepted. */
  head?: ResponseHead
  body?: HttpBody
  resolve(head: ResponseHead): void
  reject(reason: unknown): void
}

/** Far more than any file server sends; a head beyond it comes from something else. */
export const MAX_HEAD_BYTES = 64 * 1024
const MAX_INTERIM_ANSWERS = 20
/** What Node hands over at once: a TLS record's content (RFC 8446, 5.1). */
const RECORD_BYTES = 16 * 1024
/** A body that brings less than this in the time of a silence counts as silent: so slow, a part would take half a day. */
const LEAST_PROGRESS_BYTES = 64 * 1024
/** Looks at the progress in the time of a silence: what a look may be late by is a fourth of it. */
const LOOKS = 4

/**
 * One HTTP/1 connection, for one exchange after another. Bytes of a body go from TLS straight to the place in the
 * caller's buffer where they belong: Node writes received bytes where the last call of `onread` pointed it to.
 */
export class HttpConnection {
  readonly #idleMilliseconds: number
  /** Takes heads, the last bytes of each body, and whatever comes unasked. */
  readonly #scratch = Buffer.allocUnsafeSlow(RECORD_BYTES)
  /** Where the bytes go that come next. */
  #room: Uint8Array = this.#scratch
  #headBytes: Buffer = Buffer.alloc(0)
  #interimAnswers = 0
  #socket: TLSSocket | undefined
  #underWay: UnderWay | undefined
  #failure: ConnectionLost | undefined
  #looking: NodeJS.Timeout | undefined
  #quietLooks = 0
  #seenBytes = 0

  constructor(idleMilliseconds: number) {
    this.#idleMilliseconds = idleMilliseconds
  }

  /** For the socket that `attach` is going to get. */
  readonly onread: OnReadOpts = {
    buffer: () => this.#room,
    callback: (bytes) => {
      try {
        this.#receive(bytes)
      } catch (error) {
        this.#end(error)
      }
      return true
    },
  }

  attach(socket: TLSSocket): void {
    this.#socket = socket
    let cause: Error | undefined
    const lost = (): void => {
      this.#end(this.#loss(cause === undefined ? 'was closed by the server' : `broke: ${cause.message}`, cause))
    }
    socket.on('error', (error) => {
      cause = error
    })
    socket.once('end', lost)
    socket.once('close', lost)
    if (this.#failure !== undefined || socket.destroyed) this.destroy()
  }

  /** Neither closed nor broken, as far as is known. */
  get usable(): boolean {
    return this.#failure === undefined
  }

  /**
   * Send a request and take in the answer. An exchange that fails, is refused or aborted ends the connection; memory that
   * `accept` gave isn't written to from then on.
   * @throws ConnectionLost, MalformedAnswer, what `accept` throws, the signal's reason
   */
  async run(exchange: Exchange, signal?: AbortSignal): Promise<ResponseHead> {
    if (this.#failure !== undefined) throw this.#failure
    signal?.throwIfAborted()
    if (this.#underWay !== undefined) throw new Error('one exchange at a time')
    const { promise, resolve, reject } = Promise.withResolvers<ResponseHead>()
    this.#underWay = { exchange, resolve, reject }
    const onAbort = (): void => this.#end(signal?.reason ?? new Error('aborted'))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#quietLooks = 0
    this.#seenBytes = 0
    this.#looking = setInterval(() => this.#look(), this.#idleMilliseconds / LOOKS)
    this.#socket?.ref()
    this.#socket?.write(exchange.request, 'latin1')
    try {
      return await promise
    } finally {
      clearInterval(this.#looking)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  destroy(): void {
    this.#end(this.#loss('was closed by its user'))
  }

  #loss(what: string, cause?: unknown): ConnectionLost {
    const missingBytes = this.#underWay?.body?.missingBytes
    const missing = missingBytes === undefined ? '' : `, ${missingBytes} bytes before the end of the range`
    return new ConnectionLost(`the connection ${what}${missing}`, this.#underWay?.head !== undefined, cause)
  }

  #end(reason: unknown): void {
    this.#failure ??=
      reason instanceof ConnectionLost ? reason : new ConnectionLost('the connection was given up', false, reason)
    this.#room = this.#scratch
    this.#socket?.destroy()
    const ended = this.#underWay
    this.#underWay = undefined
    ended?.reject(reason)
  }

  #look(): void {
    const bytes = this.#underWay?.body?.filledBytes ?? 0
    if (bytes - this.#seenBytes >= LEAST_PROGRESS_BYTES) {
      this.#seenBytes = bytes
      this.#quietLooks = 0
    } else if (++this.#quietLooks >= LOOKS) {
      this.#end(this.#loss(`brought nothing to speak of for ${this.#idleMilliseconds / 1000} s`))
    }
  }

  #receive(bytes: number): void {
    const underWay = this.#underWay
    if (underWay === undefined) throw this.#loss('brought bytes that nobody asked for')
    if (underWay.body !== undefined) this.#receiveBody(underWay, underWay.body, bytes)
    else this.#receiveHead(underWay, this.#scratch.subarray(0, bytes))
  }

  #receiveHead(underWay: UnderWay, bytes: Buffer): void {
    const searchFrom = Math.max(0, this.#headBytes.length - 3)
    this.#headBytes = Buffer.concat([this.#headBytes, bytes])
    for (let from = searchFrom; ; from = 0) {
      const end = this.#headBytes.indexOf('\r\n\r\n', from, 'latin1')
      // A body may follow in the same piece, so the limit is on the head alone.
      if (end > MAX_HEAD_BYTES || (end < 0 && this.#headBytes.length > MAX_HEAD_BYTES)) {
        throw new MalformedAnswer(`its headers exceed ${MAX_HEAD_BYTES / 1024} KiB`)
      }
      if (end < 0) return this.#assertBeginsAsHttp()
      const head = parseHead(this.#headBytes.toString('latin1', 0, end))
      const rest = this.#headBytes.subarray(end + 4)
      if (head.status === 101) throw new MalformedAnswer('it changes to another protocol')
      if (head.status < 200) {
        // An interim answer; the real one follows. The limit holds for all of them together.
        this.#headBytes = rest
        if (++this.#interimAnswers > MAX_INTERIM_ANSWERS) throw new MalformedAnswer('it has no end of interim answers')
        continue
      }
      this.#headBytes = Buffer.alloc(0)
      this.#interimAnswers = 0
      this.#accept(underWay, head, rest)
      return
    }
  }

  /** Garbage is told as such at once, rather than after a silence. */
  #assertBeginsAsHttp(): void {
    const begin = this.#headBytes.toString('latin1', 0, 'HTTP/1.'.length)
    const bareLines = this.#headBytes.includes('\n\n', 0, 'latin1')
    if (!'HTTP/1.'.startsWith(begin) || bareLines) throw new MalformedAnswer('what came is no HTTP/1 answer')
  }

  #accept(underWay: UnderWay, head: ResponseHead, rest: Buffer): void {
    const { exchange } = underWay
    const body = exchange.accept(head)
    underWay.head = head
    this.#quietLooks = 0
    if (body === undefined) {
      const bodyless = exchange.isHead || contentLengthOf(head) === 0
      this.#finish(underWay, head, bodyless && rest.length === 0)
      return
    }
    underWay.body = body
    this.#seenBytes = body.filledBytes
    this.#append(underWay, body, rest)
  }

  #receiveBody(underWay: UnderWay, body: HttpBody, bytes: number): void {
    if (this.#room === this.#scratch) return this.#append(underWay, body, this.#scratch.subarray(0, bytes))
    body.arrived(bytes)
    this.#makeRoom(underWay, body)
  }

  #append(underWay: UnderWay, body: HttpBody, bytes: Buffer): void {
    if (bytes.length > body.missingBytes) throw new MalformedAnswer('its body is longer than announced')
    body.append(bytes)
    this.#makeRoom(underWay, body)
  }

  #makeRoom(underWay: UnderWay, body: HttpBody): void {
    if (body.missingBytes === 0) {
      this.#room = this.#scratch
      if (underWay.head !== undefined) this.#finish(underWay, underWay.head, keepsAlive(underWay.head))
      return
    }
    // The end of a body comes through the scratch buffer, where bytes beyond it show.
    this.#room = body.missingBytes > RECORD_BYTES ? body.room() : this.#scratch
  }

  #finish(underWay: UnderWay, head: ResponseHead, reusable: boolean): void {
    this.#underWay = undefined
    if (!reusable || !keepsAlive(head)) this.destroy()
    // One that is only kept doesn't keep the process.
    else this.#socket?.unref()
    underWay.resolve(head)
  }
}
