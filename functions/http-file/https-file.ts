import { ConnectionDropped, GuestliftError, RouteLoginRejected, SourceUnreadable } from '../contracts/errors.ts'
import type { Dialer } from '../tls/connect.ts'
import { HttpBody } from '../http/http-body.ts'
import { HttpClient } from '../http/http-client.ts'
import { ConnectionLost } from '../http/http-connection.ts'
import {
  contentLengthOf,
  contentRangeOf,
  listOf,
  MalformedAnswer,
  type ResponseHead,
} from '../http/http-response-head.ts'
import {
  type Asked,
  assertRange,
  assertSameVersion,
  assertUnencoded,
  conditionFor,
  type FileVersion,
  fileVersion,
  shortRead,
  shownUrl,
  sourceChanged,
} from './answers.ts'

export interface FileServerSettings {
  /** From the first SYN to the checked certificate. */
  connectMilliseconds: number
  /** Longest wait for an answer's head, and longest time in which a body may bring next to nothing. */
  idleMilliseconds: number
  /** A connection that brought at least this much before it broke is followed by another that reads on from there. */
  worthReadingOnBytes: number
}

/** Methods that a server doesn't offer: RFC 9110, 15.5.6 and 15.6.2. */
const METHOD_REFUSED: readonly number[] = [405, 501]

/** Node's message of an OpenSSL error names C files and lines; its `reason` is the part for people. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'reason' in error && typeof error.reason === 'string' ? `TLS: ${error.reason}` : error.message
}

/** A server of files, as those who read there know it. */
export interface FileServer {
  dial: Dialer
  settings: FileServerSettings
  /** Header lines of every request, each with its line end: whoever asks proves there who they are. */
  headerLines: string
  /** What to look at when there is no connection, as a sentence without its full stop. */
  whenUnreachable: string
  refusal: Asked['refusal']
}

/** One file on a server, and the connections to it. */
export class HttpsFile {
  readonly #url: URL
  readonly #asked: Asked
  readonly #client: HttpClient
  readonly #settings: FileServerSettings
  /** Header lines of every request. */
  readonly #commonLines: string

  /** @param about which archive and site this is, for messages */
  constructor(url: URL, about: string, { dial, settings, headerLines, whenUnreachable, refusal }: FileServer) {
    this.#url = url
    this.#settings = settings
    this.#asked = { what: `${shownUrl(url)} (${about})`, refusal }
    this.#commonLines = `Host: ${url.host}\r\nUser-Agent: guestlift\r\nAccept: */*\r\nAccept-Encoding: identity\r\n${headerLines}`
    const { hostname } = url
    const port = url.port === '' ? 443 : Number(url.port)
    const timeoutMilliseconds = settings.connectMilliseconds
    this.#client = new HttpClient(async (onread, signal) => {
      try {
        return await dial({ hostname, port, timeoutMilliseconds, onread, signal })
      } catch (error) {
        // Facts and faults of our own pass as they are; the rest is the network's.
        const network = error instanceof Error && !(error instanceof GuestliftError || error instanceof TypeError)
        if (signal.aborted || !network) throw error
        const message = `can't connect to ${hostname}:${port}: ${reasonOf(error)}. ${whenUnreachable}`
        throw new ConnectionLost(message, false, error)
      }
    }, settings.idleMilliseconds)
  }

  /** Reads under way fail. */
  close(): void {
    this.#client.close()
  }

  /**
   * Would the server let us in, and read ranges? No archive is known yet, so the URL is of a file that isn't there, and 404
   * is the good answer: servers check the login before they look for a file. Only where logins are asked for in some
   * folders alone, and placeholders choose the folder, a wrong one is found with the first archive. Who sends a whole page
   * in place of the range of a missing file is no file server, or one that doesn't know ranges.
   * @throws RouteLoginRejected, TlsIdentityMismatch, ConnectionDropped, SourceUnreadable
   */
  async checkAccess(): Promise<void> {
    await this.#orFact(async () => {
      const head = await this.#firstByte()
      const { status } = head
      if (status === 200) {
        const [type = 'no content type'] = listOf(head, 'content-type')
        throw new SourceUnreadable(
          `${this.#asked.what}: the server answered 200 (${type}) to a request for the first byte of a file that isn't there. ` +
            'It has to be a file server that knows Range, and no web page or login page. Check route.url',
        )
      }
      if (status === 403) {
        throw new RouteLoginRejected(
          `${this.#asked.what}: the server answered 403 to a first request. Check its rules for our address and for the route's account`,
        )
      }
      if (status === 401 || status === 407 || status === 429 || status >= 500 || (status >= 300 && status < 400)) {
        throw this.#refusal(head)
      }
    })
  }

  /**
   * The file as it is now: by HEAD or, where a server doesn't answer that usefully, by a range of one byte.
   * @throws SourceUnreadable, RouteLoginRejected, TlsIdentityMismatch, ConnectionDropped
   */
  async stat(): Promise<FileVersion> {
    return this.#orFact(async () => {
      const head = await this.#head()
      if (METHOD_REFUSED.includes(head.status)) return this.#statByFirstByte()
      if (head.status !== 200) throw this.#refusal(head)
      if (listOf(head, 'accept-ranges').includes('none')) {
        throw new SourceUnreadable(
          `${this.#asked.what}: the server says that it doesn't know Range (Accept-Ranges: none). Use one that does (nginx, Apache httpd, Caddy)`,
        )
      }
      assertUnencoded(head, this.#asked)
      const sizeBytes = contentLengthOf(head)
      // Some servers leave the length out of this answer, or write 0.
      if (sizeBytes === undefined || sizeBytes === 0) return this.#statByFirstByte(head)
      return fileVersion(head, sizeBytes, this.#asked)
    })
  }

  /**
   * Fill `target` from `positionBytes` on, all of it from this version of the file. Returns its CRC-32. A connection that
   * breaks on the way costs only what it hadn't brought yet.
   * @throws SourceChanged, ShortRead, SourceUnreadable, RouteLoginRejected, ConnectionDropped, TlsIdentityMismatch, the
   *   signal's reason
   */
  async read(positionBytes: number, target: Buffer, version: FileVersion, signal?: AbortSignal): Promise<number> {
    const body = new HttpBody(target)
    return this.#orFact(async () => {
      signal?.throwIfAborted()
      while (body.missingBytes > 0) {
        const before = body.filledBytes
        try {
          await this.#readOnce(positionBytes, body, version, signal)
        } catch (error) {
          const brought = body.filledBytes - before
          if (!(error instanceof ConnectionLost) || brought < this.#settings.worthReadingOnBytes) throw error
        }
      }
      return body.crc32
    })
  }

  async #readOnce(
    positionBytes: number,
    body: HttpBody,
    version: FileVersion,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const wanted = { firstByte: positionBytes + body.filledBytes, sizeBytes: body.missingBytes }
    const endBytes = wanted.firstByte + wanted.sizeBytes
    const accept = (head: ResponseHead): HttpBody => {
      if (head.status === 416) throw shortRead(contentRangeOf(head)?.totalBytes, endBytes, this.#asked)
      if (head.status === 412) throw sourceChanged('the server has another version now', this.#asked)
      if (head.status !== 206) throw this.#refusal(head)
      assertSameVersion(head, version, this.#asked)
      const totalBytes = assertRange(head, wanted, this.#asked)
      const { sizeBytes } = version.identity
      if (totalBytes !== sizeBytes) {
        throw sourceChanged(`its size became ${totalBytes} bytes, from ${sizeBytes}`, this.#asked)
      }
      return body
    }
    const request = this.#request('GET', `Range: bytes=${wanted.firstByte}-${endBytes - 1}\r\n${conditionFor(version)}`)
    await this.#client.run({ request, isHead: false, accept }, signal)
  }

  async #statByFirstByte(byHead?: ResponseHead): Promise<FileVersion> {
    const head = await this.#firstByte()
    const totalBytes = contentRangeOf(head)?.totalBytes
    if (head.status === 206 && totalBytes !== undefined) return fileVersion(head, totalBytes, this.#asked)
    // An empty file has no first byte: RFC 9110, 15.5.17. Some servers send all of it instead, which is nothing.
    const isEmpty = (head.status === 416 && totalBytes === 0) || (head.status === 200 && contentLengthOf(head) === 0)
    if (isEmpty) return fileVersion(byHead ?? head, 0, this.#asked)
    throw this.#refusal(head)
  }

  #refusal(head: ResponseHead): Error {
    return this.#asked.refusal(head, this.#asked.what)
  }

  #head(): Promise<ResponseHead> {
    return this.#client.run({ request: this.#request('HEAD', ''), isHead: true, accept: () => undefined })
  }

  #firstByte(): Promise<ResponseHead> {
    return this.#client.run({
      request: this.#request('GET', 'Range: bytes=0-0\r\n'),
      isHead: false,
      accept: (head) => {
        if (head.status !== 206) return undefined
        assertRange(head, { firstByte: 0, sizeBytes: 1 }, this.#asked)
        return new HttpBody(Buffer.alloc(1))
      },
    })
  }

  #request(method: 'GET' | 'HEAD', lines: string): string {
    return `${method} ${this.#url.pathname}${this.#url.search} HTTP/1.1\r\n${this.#commonLines}${lines}\r\n`
  }

  async #orFact<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ConnectionLost) {
        throw new ConnectionDropped(`${this.#asked.what}: ${error.message}`, { cause: error })
      }
      if (!(error instanceof MalformedAnswer)) throw error
      throw new SourceUnreadable(
        `${this.#asked.what}: the server's answer can't be used, ${error.message}. Is it a web server, and is nothing in between that rewrites its answers?`,
        { cause: error },
      )
    }
  }
}
