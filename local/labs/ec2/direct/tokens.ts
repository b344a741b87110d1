/** Tokens of EBS direct: page tokens live an hour, block tokens seven days. Each is good for what it was made for alone. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { invalid } from '../errors.ts'

const PAGE_MILLISECONDS = 60 * 60_000
const BLOCK_MILLISECONDS = 7 * 24 * 60 * 60_000
const MAC_BYTES = 16
const BLOCK_BODY = 12

export interface Page {
  /** The listing that goes on: its call and snapshots. */
  of: string
  next: number
  /** An empty page comes first. */
  empty: boolean
}

export class Tokens {
  readonly #key: Uint8Array
  readonly #now: () => Date

  constructor(key: Uint8Array, now: () => Date) {
    this.#key = key
    this.#now = now
  }

  #mac(about: string, body: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(about).update(body).digest().subarray(0, MAC_BYTES)
  }

  #isOurs(about: string, body: Uint8Array, mac: Uint8Array): boolean {
    return mac.length === MAC_BYTES && timingSafeEqual(this.#mac(about, body), mac)
  }

  page(page: Page): string {
    const body = Buffer.from(JSON.stringify({ ...page, at: this.#now().getTime() }))
    return Buffer.concat([this.#mac('page', body), body]).toString('base64')
  }

  /** @throws Refusal for a token that is none, that belongs to another listing, or that is too old */
  readPage(token: string, of: string): Page {
    const bytes = Buffer.from(token, 'base64')
    const body = bytes.subarray(MAC_BYTES)
    if (!this.#isOurs('page', body, bytes.subarray(0, MAC_BYTES)))
      throw invalid('INVALID_PAGE_TOKEN', 'The page token is invalid.')
    const page = JSON.parse(body.toString('utf8')) as Page & { at: number }
    if (page.of !== of) throw invalid('INVALID_PAGE_TOKEN', 'The page token belongs to another request.')
    if (this.#now().getTime() - page.at > PAGE_MILLISECONDS)
      throw invalid('INVALID_PAGE_TOKEN', 'The page token has expired.')
    return page
  }

  block(snapshotId: string, index: number): string {
    const body = Buffer.alloc(BLOCK_BODY)
    body.writeDoubleBE(this.#now().getTime(), 0)
    body.writeUInt32BE(index, 8)
    return Buffer.concat([this.#mac(snapshotId, body), body]).toString('base64')
  }

  expiry(): number {
    return (this.#now().getTime() + BLOCK_MILLISECONDS) / 1000
  }

  /** @throws Refusal for a token of another block or snapshot, and for one that is too old */
  checkBlock(token: string, snapshotId: string, index: number): void {
    const bytes = Buffer.from(token, 'base64')
    const body = bytes.subarray(MAC_BYTES)
    if (body.length !== BLOCK_BODY || !this.#isOurs(snapshotId, body, bytes.subarray(0, MAC_BYTES)))
      throw invalid('INVALID_BLOCK_TOKEN', 'The block token is invalid.')
    if (body.readUInt32BE(8) !== index) throw invalid('INVALID_BLOCK_TOKEN', 'The block token is for another block.')
    if (this.#now().getTime() - body.readDoubleBE(0) > BLOCK_MILLISECONDS)
      throw invalid('INVALID_BLOCK_TOKEN', 'The block token has expired.')
  }
}
