import { ConnectionDropped, ShortRead } from '../contracts/errors.ts'
import type { SourceArtifact, SourceIdentity } from '../contracts/nouns.ts'
import type { Reader } from '../readers/reader.ts'
import type { Ports } from './ports.ts'
import { assertSourceUnchanged } from './source-identity.ts'

/** Connections that may drop in a row, without a byte range read in between, before the call gives up. */
const MAX_DROPS_IN_A_ROW = 4
const FIRST_PAUSE_MILLISECONDS = 1_000

type Needs = Pick<Ports, 'route' | 'sleep' | 'log'>

/**
 * One source for the length of one call: a reader that is opened again when its connection drops, shared by all parts
 * in flight. The source is checked whenever it is opened, so a file replaced meanwhile is noticed.
 */
export class SourceSession {
  readonly #ports: Needs
  readonly #site: string
  readonly #artifact: SourceArtifact
  readonly #identity: SourceIdentity
  #reader: Promise<Reader> | undefined
  #dropsInARow = 0

  constructor(ports: Needs, site: string, artifact: SourceArtifact, identity: SourceIdentity) {
    this.#ports = ports
    this.#site = site
    this.#artifact = artifact
    this.#identity = identity
  }

  /** Fill `target`, over as many connections as it takes. @throws SourceChanged, ShortRead, ConnectionDropped, … */
  async read(positionBytes: number, target: Buffer, signal: AbortSignal): Promise<void> {
    try {
      await this.#reconnecting((reader) => reader.read(positionBytes, target, signal), signal)
      this.#dropsInARow = 0
    } catch (error) {
      // A file that was cut short has changed; that is the fact to report.
      if (error instanceof ShortRead) await this.assertUnchanged(signal)
      throw error
    }
  }

  /** @throws SourceChanged */
  async assertUnchanged(signal: AbortSignal): Promise<void> {
    await this.#reconnecting((reader) => assertSourceUnchanged(reader, this.#identity, this.#artifact), signal)
  }

  async close(): Promise<void> {
    const reader = this.#reader
    this.#reader = undefined
    await reader?.then(
      (open) => open.close(),
      () => undefined,
    )
  }

  async #reconnecting(work: (reader: Reader) => Promise<void>, signal: AbortSignal): Promise<void> {
    for (;;) {
      const opening = (this.#reader ??= this.#open())
      try {
        await work(await opening)
        return
      } catch (error) {
        if (!(error instanceof ConnectionDropped) || signal.aborted) throw error
        await this.#afterDrop(opening, error)
      }
    }
  }

  /** All reads of a connection fail at once; the first to come here discards it, and the others wait for the next. */
  async #afterDrop(dropped: Promise<Reader>, reason: ConnectionDropped): Promise<void> {
    if (this.#reader !== dropped) return
    this.#dropsInARow++
    if (this.#dropsInARow > MAX_DROPS_IN_A_ROW) throw reason
    const drops = this.#dropsInARow
    this.#ports.log('connection-dropped', { site: this.#site, drops, reason: reason.message })
    this.#reader = (async () => {
      await dropped.then(
        (reader) => reader.close(),
        () => undefined,
      )
      await this.#ports.sleep(FIRST_PAUSE_MILLISECONDS * 2 ** (drops - 1))
      return this.#open()
    })()
    // Awaited by the next round of each read; a failure before that must not count as unhandled.
    this.#reader.catch(() => undefined)
  }

  async #open(): Promise<Reader> {
    const route = await this.#ports.route(this.#site)
    const reader = await route.open(this.#artifact.location)
    try {
      await assertSourceUnchanged(reader, this.#identity, this.#artifact)
      return reader
    } catch (error) {
      await reader.close()
      throw error
    }
  }
}
