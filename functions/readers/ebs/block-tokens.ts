import { SourceChanged } from '../../contracts/errors.ts'
import type { BlockPage } from './ebs-client.ts'

/** Tokens of half a GiB at a time: a call reads parts of a disk, not all of it. */
const PAGE_BLOCKS = 1_000
/** Pages without a block that are passed over before something is wrong. */
const MOST_EMPTY_PAGES = 1_000

/** Lists blocks from an index on. */
export type ListFrom = (
  at: { startingBlockIndex: number } | { pageToken: string },
  maxResults: number,
  signal?: AbortSignal,
) => Promise<BlockPage>

/** Tokens of the blocks that a call reads, listed as they are asked for: state holds none, and each list gives new ones. */
export class BlockTokens {
  readonly #list: ListFrom
  readonly #where: string
  readonly #tokens = new Map<number, string>()
  /** One list at a time: parts in flight mostly lie side by side, and the next finds its tokens there. */
  #listing: Promise<unknown> = Promise.resolve()

  constructor(list: ListFrom, where: string) {
    this.#list = list
    this.#where = where
  }

  /** @throws SourceChanged for a block that the snapshot's list doesn't have */
  async of(index: number, signal?: AbortSignal): Promise<string> {
    const known = this.#tokens.get(index)
    if (known !== undefined) return known
    const listing = this.#listing
      .catch(() => undefined)
      .then(async () => {
        if (!this.#tokens.has(index)) await this.#listAt(index, signal)
      })
    this.#listing = listing
    await listing
    const token = this.#tokens.get(index)
    if (token !== undefined) return token
    throw new SourceChanged(
      `${this.#where}: block ${index} was listed when its parts were planned and isn't any more. A snapshot never changes: ` +
        'repeat the guest, which makes a new one.',
    )
  }

  /** A block is read once, mostly: what is kept are tokens of blocks that are still to come. */
  done(index: number): void {
    this.#tokens.delete(index)
  }

  async #listAt(index: number, signal: AbortSignal | undefined): Promise<void> {
    let at: Parameters<ListFrom>[0] = { startingBlockIndex: index }
    for (let pages = 0; pages < MOST_EMPTY_PAGES; pages += 1) {
      const { blocks, nextToken } = await this.#list(at, PAGE_BLOCKS, signal)
      for (const { index: one, token } of blocks) this.#tokens.set(one, token)
      if (blocks.length > 0 || nextToken === undefined) return
      at = { pageToken: nextToken }
    }
  }
}
