/** The two reading calls of EBS direct (API reference: ListSnapshotBlocks, GetSnapshotBlock). */
import { hash } from 'node:crypto'
import * as z from 'zod'
import type { Answer } from '../../aws-api/aws-call.ts'
import { EbsCalls, type EbsDeps } from '../../aws-api/ebs-calls.ts'
import { isStaleToken } from '../../aws-api/ebs-refusal.ts'
import { AwsRefusal } from '../../aws-api/query.ts'
import { EBS_BLOCK_BYTES, type EbsAccess, type EbsSnapshotLocation } from '../../contracts/aws-access.ts'
import { ChecksumMismatch, SourceUnreadable } from '../../contracts/errors.ts'
import { parseJson } from '../../domain/words/parse-json.ts'
import { ebsFact } from './ebs-errors.ts'

/** So often bytes may come that have another sum. */
const SUM_TRIES = 3

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

export class EbsClient {
  readonly #location: EbsSnapshotLocation
  readonly #where: string
  readonly #calls: EbsCalls
  /** Blocks that were answered, whatever their sum. */
  blocksRead = 0

  constructor(site: string, access: EbsAccess, location: EbsSnapshotLocation, deps: EbsDeps) {
    this.#location = location
    this.#where = `Site ${site}, zone ${location.node}: snapshot ${location.snapshotId} of ${location.device}`
    this.#calls = new EbsCalls(site, access, deps)
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
    const asked = Object.entries({ ...at, maxResults }).map(([name, value]): [string, string] => [name, String(value)])
    const query = new URLSearchParams(asked)
    const { body } = await this.#ask('ListSnapshotBlocks', `?${query.toString()}`, undefined, signal)
    const read = blocksSchema.safeParse(parseJson(body.toString('utf8')))
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
    const below = `/${index}?${new URLSearchParams({ blockToken: token }).toString()}`
    for (let tries = 1; ; tries += 1) {
      let answer: Answer
      try {
        answer = await this.#ask('GetSnapshotBlock', below, target, signal)
      } catch (error) {
        if (error instanceof AwsRefusal && isStaleToken(error)) return false
        throw error
      }
      this.blocksRead += 1
      const { headers, filledTarget } = answer
      const sum = headers['x-amz-checksum']
      if (!filledTarget || headers['x-amz-checksum-algorithm'] !== 'SHA256' || sum === undefined) {
        throw new SourceUnreadable(
          `${this.#where}, block ${index}: the answer is no block of ${EBS_BLOCK_BYTES} bytes with its SHA-256. ` +
            'Check `endpoints`, and what is between here and AWS.',
        )
      }
      if (hash('sha256', target, 'base64') === sum) return true
      if (tries === SUM_TRIES) {
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
  async #ask(
    action: string,
    below: string,
    target: Buffer | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const { region, snapshotId } = this.#location
    const path = `/snapshots/${snapshotId}/blocks${below}`
    try {
      return await this.#calls.ask({ region, method: 'GET', path, target, action, where: this.#where }, signal)
    } catch (error) {
      if (!(error instanceof AwsRefusal) || isStaleToken(error)) throw error
      throw ebsFact(error, this.#where, action)
    }
  }
}
