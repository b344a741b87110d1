import type { GuestliftError } from '../../contracts/errors.ts'
import type { GetVerdict, SignedGet } from '../../contracts/signed-get.ts'
import { MAX_PART_ATTEMPTS } from '../../domain/transfer/part-retry.ts'
import { isPassingOnNode } from '../../ssh/agent/agent-facts.ts'
import { type AgentDeps, pause } from '../../ssh/agent/agent-pause.ts'
import { type AgentProcess, AgentRefusal } from '../../ssh/agent/agent-process.ts'
import type { AgentSession } from '../../ssh/agent/agent-session.ts'
import type { Landing } from '../landing.ts'
import type { Place } from '../place.ts'
import { damagedFact, otherBytesFact, sizeFact, takenFact, vanishedFact } from '../target-facts.ts'
import { assertIsWhole, assertWhole } from '../whole.ts'
import type { FileRange, Range, RangeSource, Target, Writer } from '../writer.ts'
import { failureFact } from './pull-facts.ts'

/** What became of one GET, and the sum of what was brought. */
type Fetched = { given: true; crc32: number } | (GetVerdict & { given: false })

/** One file on one node, which the node fetches itself. */
export class PullWriter implements Writer {
  readonly found: { sizeBytes: number } | undefined
  readonly #session: AgentSession
  readonly #place: Place
  readonly #target: Target
  readonly #finished: boolean
  readonly #deps: AgentDeps

  constructor(session: AgentSession, place: Place, target: Target, at: Landing, deps: AgentDeps) {
    this.#session = session
    this.#place = place
    this.#target = target
    this.found = at.found
    this.#finished = at.finished
    this.#deps = deps
  }

  holds(range: FileRange, signal?: AbortSignal): Promise<boolean> {
    return this.#lies(this.#finished ? this.#place.final : this.#place.temporary, range, signal)
  }

  async bring(range: Range, source: RangeSource, signal?: AbortSignal): Promise<{ throttles: number; crc32: number }> {
    if (this.#finished) throw takenFact(this.#place.final, this.#where)
    return this.#use(async (agent) => {
      if (range.sizeBytes === 0) {
        await agent.ask('create', { path: this.#place.temporary }, { signal })
        return { throttles: 0, crc32: 0 }
      }
      let throttles = 0
      for (let attempt = 1; ; attempt++) {
        const verdict = await this.#tryFetch(agent, range, await source.sign(range), signal)
        if (verdict.given) return { throttles, crc32: verdict.crc32 }
        if (verdict.slowDown) throttles++
        if (!verdict.again || attempt === MAX_PART_ATTEMPTS) throw verdict.error
        await pause(attempt, this.#deps, signal)
      }
    }, signal)
  }

  async finish(
    whole: { crc32: number },
    ranges: readonly FileRange[],
    signal?: AbortSignal,
  ): Promise<{ made: boolean }> {
    const { sizeBytes } = this.#target
    const { temporary, final } = this.#place
    assertWhole(`${final} on ${this.#where}`, { sizeBytes, crc32: whole.crc32 }, ranges)
    const ending = await this.#use((agent) => agent.ask('finish', { ...this.#place, sizeBytes }, { signal }), signal)
    if (ending.state === 'made') return { made: true }
    if (ending.state === 'size') throw sizeFact(temporary, this.#where, ending.sizeBytes ?? 0, sizeBytes)
    await this.#assertFinal(ranges, ending.state, signal)
    await this.discard()
    return { made: false }
  }

  async discard(): Promise<void> {
    await this.#use((agent) => agent.ask('discard', { path: this.#place.temporary }))
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  get #where(): string {
    return this.#session.context.where
  }

  /** One GET. A way to the store that is closed for the moment is a verdict, too. */
  async #tryFetch(agent: AgentProcess, range: Range, get: SignedGet, signal?: AbortSignal): Promise<Fetched> {
    const { positionBytes, sizeBytes } = range
    const path = this.#place.temporary
    try {
      const wanted = { path, positionBytes, sizeBytes, url: get.url, headers: get.headers }
      const answer = await agent.ask('fetch', wanted, { signal })
      const verdict = get.judge(answer)
      if (!verdict.given) return verdict
      const { sums } = answer
      const damaged = (error: GuestliftError): Fetched => ({ given: false, again: true, slowDown: false, error })
      if (sums === undefined || sums.arrived !== sums.written) {
        return damaged(damagedFact(path, this.#where, positionBytes))
      }
      if (sums.arrived !== (range.crc32 ?? sums.arrived)) return damaged(otherBytesFact(path, positionBytes))
      return { given: true, crc32: sums.arrived }
    } catch (error) {
      if (!(error instanceof AgentRefusal && isPassingOnNode(error.failure))) throw error
      return {
        given: false,
        again: true,
        slowDown: false,
        error: failureFact(error.failure, path, this.#session.context),
      }
    }
  }

  /** The range of a file, read on the node. A file that is missing, shorter or longer than the whole doesn't hold it. */
  async #lies(path: string, { positionBytes, sizeBytes, crc32 }: FileRange, signal?: AbortSignal): Promise<boolean> {
    try {
      const read = await this.#session.use(
        (agent) => agent.ask('crc', { path, positionBytes, sizeBytes }, { signal }),
        signal,
      )
      return read.crc32 === crc32
    } catch (error) {
      if (!(error instanceof AgentRefusal)) throw error
      if (error.failure.fail === 'missing' || error.failure.fail === 'short') return false
      throw failureFact(error.failure, path, this.#session.context)
    }
  }

  /** Is what has the final name the file? @throws TargetTaken, TargetUnwritable */
  async #assertFinal(ranges: readonly FileRange[], state: 'gone' | 'taken', signal?: AbortSignal): Promise<void> {
    const { folder, temporary, final } = this.#place
    const { final: there } = await this.#use((agent) => agent.ask('look', { folder, final }, { signal }), signal)
    if (there === undefined) throw vanishedFact(state === 'gone' ? temporary : final, this.#where)
    const wanted = { path: final, where: this.#where, sizeBytes: this.#target.sizeBytes }
    await assertIsWhole(there, wanted, ranges, (range) => this.#lies(final, range, signal))
  }

  async #use<T>(work: (agent: AgentProcess) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#session.use(work, signal)
    } catch (error) {
      throw error instanceof AgentRefusal
        ? failureFact(error.failure, this.#place.temporary, this.#session.context)
        : error
    }
  }
}
