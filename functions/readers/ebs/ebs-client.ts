/** The two reading calls of EBS direct (API reference: ListSnapshotBlocks, GetSnapshotBlock). */
import { hash } from 'node:crypto'
import * as z from 'zod'
import { type Answer, AwsCalls, NoAnswer } from '../../aws-api/aws-call.ts'
import { AwsCredentials } from '../../aws-api/credentials.ts'
import { isStaleToken, isThrottle, refusalOf } from '../../aws-api/ebs-refusal.ts'
import { endpointOf } from '../../aws-api/endpoints.ts'
import { AwsRefusal } from '../../aws-api/query.ts'
import { EBS_BLOCK_BYTES, type EbsAccess, type EbsSnapshotLocation } from '../../contracts/aws-access.ts'
import { ChecksumMismatch, ConnectionDropped, GuestliftError, SourceUnreadable } from '../../contracts/errors.ts'
import { ebsFact } from './ebs-errors.ts'

/** One connection brings about 5 MiB/s at 100 ms a block: so many fill a function's share of the line. */
export const CONNECTIONS = 32
/** Waits of 1, 2, 4 … 30 s, each up to half as long again: what throttles an account passes within minutes. */
const THROTTLE_TRIES = 9
const LONGEST_WAIT_MILLISECONDS = 30_000
/** Silence, a fault of the service, or bytes of another sum: what lasts longer is the caller's, who opens a new reader. */
const FAULT_TRIES = 3
const FIRST_WAIT_MILLISECONDS = 1_000

const blocksSchema = z.object({
  Blocks: z.array(z.object({ BlockIndex: z.int().nonnegative(), BlockToken: z.string().min(1) })),
  VolumeSize: z.int().positive(),
  BlockSize: z.int().positive(),
  NextToken: z.string().nullish(),
})
export interface BlockPage {
  blocks: { index: number; token: string }[]
  volumeSizeGib: number
  nextToken: string | undefined
}

export interface EbsDeps {
  now: () => Date
  sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  random: () => number
}

export class EbsClient {
  readonly #location: EbsSnapshotLocation
  readonly #where: string
  readonly #deps: EbsDeps
  readonly #calls: AwsCalls
  readonly #credentials: AwsCredentials
  readonly #blocksUrl: string

  constructor(site: string, access: EbsAccess, location: EbsSnapshotLocation, deps: EbsDeps) {
    this.#location = location
    this.#where = `Site ${site}, zone ${location.node}: snapshot ${location.snapshotId} of ${location.device}`
    this.#deps = deps
    this.#calls = new AwsCalls(deps.now, CONNECTIONS)
    this.#credentials = new AwsCredentials(site, access, { calls: this.#calls, now: deps.now })
    this.#blocksUrl = new URL(
      `/snapshots/${location.snapshotId}/blocks`,
      endpointOf('ebs', location.region, access),
    ).href
  }

  /**
   * A page of written blocks, ascending. It may be empty and have a next one.
   * @throws SourceUnreadable, ConnectionDropped, CredentialsRejected, the signal's reason
   */
  async page(
    at: { startingBlockIndex: number } | { pageToken: string },
    maxResults: number,
    signal?: AbortSignal,
  ): Promise<BlockPage> {
    const url = new URL(this.#blocksUrl)
    for (const [name, value] of Object.entries({ ...at, maxResults })) url.searchParams.set(name, String(value))
    const { body } = await this.#ask('ListSnapshotBlocks', url, undefined, signal)
    const read = blocksSchema.safeParse(jsonOf(body))
    if (!read.success || read.data.BlockSize !== EBS_BLOCK_BYTES) {
      throw new SourceUnreadable(
        `${this.#where}: the list of its blocks isn't as EBS direct gives it. Check \`endpoints\`.`,
      )
    }
    const { Blocks, VolumeSize: volumeSizeGib, NextToken } = read.data
    const blocks = Blocks.map(({ BlockIndex: index, BlockToken: token }) => ({ index, token }))
    if (blocks.some(({ index }, place) => place > 0 && index <= (blocks[place - 1]?.index ?? -1))) {
      throw new SourceUnreadable(`${this.#where}: its blocks aren't listed in ascending order.`)
    }
    return { blocks, volumeSizeGib, nextToken: NextToken == null || NextToken === '' ? undefined : NextToken }
  }

  /**
   * Fill `target` with a block, whose SHA-256 is the one that AWS has for it.
   * @returns false when the token is too old: the block has to be listed again
   * @throws ChecksumMismatch, SourceUnreadable, ConnectionDropped, CredentialsRejected, the signal's reason
   */
  async block(
    { index, token }: { index: number; token: string },
    target: Buffer,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const url = new URL(`${this.#blocksUrl}/${index}`)
    url.searchParams.set('blockToken', token)
    for (let tries = 1; ; tries += 1) {
      let answer: Answer
      try {
        answer = await this.#ask('GetSnapshotBlock', url, target, signal)
      } catch (error) {
        if (error instanceof AwsRefusal && isStaleToken(error)) return false
        throw error
      }
      const { headers, filledTarget } = answer
      const sum = headers['x-amz-checksum']
      if (!filledTarget || headers['x-amz-checksum-algorithm'] !== 'SHA256' || sum === undefined) {
        throw new SourceUnreadable(
          `${this.#where}, block ${index}: the answer is no block of ${EBS_BLOCK_BYTES} bytes with its SHA-256. ` +
            'Check `endpoints`, and what is between here and AWS.',
        )
      }
      if (hash('sha256', target, 'base64') === sum) return true
      if (tries === FAULT_TRIES) {
        throw new ChecksumMismatch(
          `${this.#where}, block ${index}: ${tries} times its bytes had another SHA-256 than AWS says. Repeat the guest; ` +
            'if it happens again, something between here and AWS alters them.',
        )
      }
    }
  }

  close(): void {
    this.#calls.close()
  }

  /** @throws AwsRefusal for a stale token alone, and facts */
  async #ask(action: string, url: URL, target: Buffer | undefined, signal: AbortSignal | undefined): Promise<Answer> {
    let [throttles, faults, expired] = [0, 0, false]
    for (;;) {
      try {
        return await this.#askOnce(url, target, signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof AwsRefusal && isStaleToken(error)) throw error
        if (error instanceof AwsRefusal && error.code.startsWith('ExpiredToken') && !expired) {
          expired = true
          this.#credentials.forget()
        } else if (error instanceof AwsRefusal && isThrottle(error) && throttles < THROTTLE_TRIES) {
          await this.#wait(throttles++, signal)
        } else if (error instanceof NoAnswer && faults < FAULT_TRIES) {
          await this.#wait(faults++, signal)
        } else throw this.#fact(error, action)
      }
    }
  }

  async #askOnce(url: URL, target: Buffer | undefined, signal: AbortSignal | undefined): Promise<Answer> {
    const { region } = this.#location
    const key = await this.#credentials.key()
    const answer = await this.#calls.send({ service: 'ebs', region, method: 'GET', url, target }, key, signal)
    if (answer.status === 200) return answer
    throw refusalOf(answer, target)
  }

  #wait(tries: number, signal: AbortSignal | undefined): Promise<void> {
    const least = Math.min(LONGEST_WAIT_MILLISECONDS, FIRST_WAIT_MILLISECONDS * 2 ** tries)
    return this.#deps.sleep(least * (1 + this.#deps.random() / 2), signal)
  }

  #fact(error: unknown, action: string): unknown {
    if (error instanceof GuestliftError) return error
    if (error instanceof NoAnswer) {
      return new ConnectionDropped(`${this.#where}: ${action} got no answer (${error.message}).`, { cause: error })
    }
    return error instanceof AwsRefusal ? ebsFact(error, this.#where, action) : error
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
