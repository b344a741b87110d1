import { ShortRead } from '../../contracts/errors.ts'
import type { SourceArtifact, SourceIdentity } from '../../contracts/nouns.ts'
import { combineCrc32 } from '../../domain/transfer/crc32.ts'
import type { Reader } from '../../readers/reader.ts'
import type { Ports } from '../ports.ts'
import { Reconnecting } from './reconnecting.ts'
import { assertSourceUnchanged } from './source-identity.ts'

/**
 * A source as it was when its upload was opened: it is checked whenever its connection is (re)opened, so that a file
 * replaced meanwhile is noticed before a byte of it is read.
 */
export interface PinnedSource {
  readonly opened: SourceIdentity
  close(): Promise<void>
}

/** Opens connections to a source that are handed over only while it is the one expected. */
export function pinned<Source extends PinnedSource>(
  open: () => Promise<Source>,
  identity: SourceIdentity,
  artifact: SourceArtifact,
): () => Promise<Source> {
  return async () => {
    const source = await open()
    try {
      assertSourceUnchanged(source.opened, identity, artifact)
      return source
    } catch (error) {
      await source.close()
      throw error
    }
  }
}

const FIRST_PIECE_BYTES = 8 * 2 ** 20
const LEAST_PIECE_BYTES = 2 ** 20

/**
 * A line that drops gets smaller pieces with each drop, each read again by itself: what several parts in flight ask for
 * has to arrive within a connection's life, or the transfer never ends. Not before: over distance, each piece costs
 * HTTP a round trip.
 */
function pieceBytes(drops: number, wholeBytes: number): number {
  if (drops === 0) return Math.max(1, wholeBytes)
  return Math.max(LEAST_PIECE_BYTES, Math.floor(FIRST_PIECE_BYTES / 2 ** (drops - 1)))
}

/** One source for the length of one call: a reader that is opened again when its connection drops, shared by all parts in flight. */
export class SourceSession {
  readonly #reader: Reconnecting<Reader>
  readonly #artifact: SourceArtifact
  readonly #identity: SourceIdentity
  /** All that were opened: what they read is billed, whatever became of them. */
  readonly #opened: Reader[] = []

  constructor(
    ports: Pick<Ports, 'route' | 'sleep' | 'log'>,
    site: string,
    artifact: SourceArtifact,
    identity: SourceIdentity,
  ) {
    this.#artifact = artifact
    this.#identity = identity
    const open = async (): Promise<Reader> => {
      const reader = await (await ports.route(site)).open(artifact.location)
      this.#opened.push(reader)
      return reader
    }
    this.#reader = new Reconnecting(ports, site, pinned(open, identity, artifact))
  }

  get drops(): number {
    return this.#reader.drops
  }

  /** Requests that the platform bills; `undefined` where it bills none. */
  get billedReads(): number | undefined {
    const counts = this.#opened.flatMap(({ billedReads }) => billedReads ?? [])
    return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0)
  }

  /**
   * Fill `target`, over as many connections as it takes. Returns its CRC-32.
   * @throws SourceChanged, ShortRead, ConnectionDropped, …
   */
  async read(positionBytes: number, target: Buffer, signal: AbortSignal): Promise<number> {
    try {
      let [filledBytes, whole] = [0, 0]
      do {
        const piece = await this.#reader.use(async (reader) => {
          const room = target.subarray(filledBytes, filledBytes + pieceBytes(this.#reader.drops, target.length))
          return { crc32: await reader.read(positionBytes + filledBytes, room, signal), sizeBytes: room.length }
        }, signal)
        whole = filledBytes === 0 ? piece.crc32 : combineCrc32(whole, piece.crc32, piece.sizeBytes)
        filledBytes += piece.sizeBytes
      } while (filledBytes < target.length)
      return whole
    } catch (error) {
      // A file that was cut short has changed; that is the fact to report.
      if (error instanceof ShortRead) await this.assertUnchanged(signal)
      throw error
    }
  }

  /** @throws SourceChanged */
  async assertUnchanged(signal: AbortSignal): Promise<void> {
    assertSourceUnchanged(await this.#reader.use((reader) => reader.stat(), signal), this.#identity, this.#artifact)
  }

  close(): Promise<void> {
    return this.#reader.close()
  }
}
