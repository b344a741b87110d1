import type { S3Client } from '@aws-sdk/client-s3'
import { InvalidSite, TlsIdentityMismatch } from '../contracts/errors.ts'
import { HttpBody } from '../http/http-body.ts'
import { HttpClient } from '../http/http-client.ts'
import { contentLengthOf, contentRangeOf, fieldOf, type ResponseHead } from '../http/http-response-head.ts'
import { type Dialer, tlsDialer } from '../tls/connect.ts'
import { presignRange } from './s3-presign.ts'
import type { RangeToRead } from './s3-range.ts'

const CONNECT_TIMEOUT_MILLISECONDS = 5_000
const IDLE_MILLISECONDS = 45_000
/** A bucket may refuse signed URLs by its policy: then each range would be asked for twice, for ever. */
const MOST_MISSES = 3

/** Any answer but the whole range of the very object. What it means is for the SDK's way to find out. */
class NotTheRange extends Error {}

/** The authorities that Node.js trusts, as the SDK has them, and the same proxies. */
const dialStore = (): Dialer =>
  tlsDialer(
    { mode: 'system' },
    {
      identityMismatch: (endpoint) => new TlsIdentityMismatch(`${endpoint} showed a certificate that is not accepted`),
      unreadableAuthority: () => new InvalidSite('no authority is given'),
    },
  )

/**
 * Reads ranges over connections of its own, from TLS straight to their place in memory: through the SDK, each TLS record
 * of 16 KiB becomes a buffer, an event and a copy, which costs more CPU than decrypting it.
 *
 * It is a short cut and no second way: what doesn't give the whole range at once is left to the SDK, with its tries and
 * its errors.
 */
export class DirectReads {
  readonly #client: S3Client
  readonly #dial: () => Dialer
  /** By host and port. */
  readonly #servers = new Map<string, HttpClient>()
  #dialer: Dialer | undefined
  /** Ranges in a row that weren't given. */
  #misses = 0

  constructor(client: S3Client, dial: () => Dialer = dialStore) {
    this.#client = client
    this.#dial = dial
  }

  /**
   * Fill `target` with the range's bytes. Never throws for what the store or the line does.
   * @returns false when it isn't whole; the content of `target` is undefined then
   */
  async read(range: RangeToRead, target: Buffer): Promise<boolean> {
    if (this.#misses >= MOST_MISSES) return false
    const body = new HttpBody(target)
    try {
      const { url, headers } = await presignRange(this.#client, range)
      const { protocol, host, hostname, port, pathname, search } = new URL(url)
      if (protocol !== 'https:') {
        // Signing each range for nothing would only cost.
        this.#misses = MOST_MISSES
        return false
      }
      const lines = Object.entries({ host, 'user-agent': 'guestlift', ...headers }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      )
      const request = `GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`
      const server = this.#serverAt(hostname, port === '' ? 443 : Number(port))
      await server.run({ request, isHead: false, accept: (head) => accepted(head, range, body) })
      this.#misses = 0
      return true
    } catch {
      this.#misses += 1
      return false
    }
  }

  #serverAt(hostname: string, port: number): HttpClient {
    const name = `${hostname}:${port}`
    const known = this.#servers.get(name)
    if (known !== undefined) return known
    this.#dialer ??= this.#dial()
    const dial = this.#dialer
    const made = new HttpClient(async (onread, signal) => {
      try {
        return await dial({ hostname, port, timeoutMilliseconds: CONNECT_TIMEOUT_MILLISECONDS, onread, signal })
      } catch (error) {
        // Whoever doesn't answer here, or isn't trusted, won't be later either.
        this.#misses = MOST_MISSES
        throw error
      }
    }, IDLE_MILLISECONDS)
    this.#servers.set(name, made)
    return made
  }
}

function accepted(head: ResponseHead, { firstByte, lastByte, etag }: RangeToRead, body: HttpBody): HttpBody {
  const range = contentRangeOf(head)?.range
  const whole =
    head.status === 206 &&
    fieldOf(head, 'etag') === etag &&
    contentLengthOf(head) === lastByte - firstByte + 1 &&
    fieldOf(head, 'transfer-encoding') === undefined &&
    fieldOf(head, 'content-encoding') === undefined &&
    range?.firstByte === firstByte &&
    range.lastByte === lastByte
  if (!whole) throw new NotTheRange()
  return body
}
