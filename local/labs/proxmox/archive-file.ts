/** Writing one archive: in step with the task's pace, into a `.dat` that gets its name when it is whole. */
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { dateFile } from './storage-files.ts'
import type { Worker } from './tasks.ts'
import type { World } from './world.ts'

export class NoSpace extends Error {}
export class Interrupted extends Error {
  constructor() {
    super('interrupted by signal')
  }
}

/** Lets a producer run up to a share of its work and tells when it got there. */
export class Gate {
  #allowed = 0
  #reached = 0
  #change = Promise.withResolvers<void>()

  #changed(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }

  allow(share: number): void {
    this.#allowed = share
    this.#changed()
  }

  /** The producer is done: nobody waits any more. */
  finish(): void {
    this.#allowed = 1
    this.#reached = 1
    this.#changed()
  }

  async report(share: number, signal: AbortSignal): Promise<void> {
    this.#reached = share
    this.#changed()
    while (this.#reached > this.#allowed && !signal.aborted) await this.#next(signal)
  }

  async until(share: number, signal: AbortSignal): Promise<void> {
    while (this.#reached < share && !signal.aborted) await this.#next(signal)
  }

  async #next(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    const stop = (): void => aborted.resolve()
    signal.addEventListener('abort', stop, { once: true })
    await Promise.race([this.#change.promise, aborted.promise])
    signal.removeEventListener('abort', stop)
  }
}

/**
 * Write everything to `path`, at most `availableBytes`.
 * @throws NoSpace when the storage is full, leaving what was written
 */
export async function writeFile(
  path: string,
  source: AsyncIterable<Buffer>,
  availableBytes: number,
  signal: AbortSignal,
): Promise<number> {
  const file = createWriteStream(path)
  const failed = once(file, 'error').then(([error]: unknown[]) => {
    throw error
  })
  failed.catch(() => undefined)
  let written = 0
  try {
    for await (const chunk of source) {
      if (signal.aborted) throw new Interrupted()
      written += chunk.length
      if (written > availableBytes) throw new NoSpace('No space left on device')
      if (!file.write(chunk)) await Promise.race([once(file, 'drain'), failed])
    }
  } finally {
    const closed = once(file, 'close')
    file.end()
    await Promise.race([closed, failed])
  }
  return written
}

export interface Copy {
  /** Everything the archive consists of, reporting its progress to the gate as shares of 1. */
  source(gate: Gate, signal: AbortSignal): AsyncIterable<Buffer>
  path: string
  availableBytes: number
  /** Called as the work goes on, with its share from 0 to 1. */
  onProgress(share: number): void
  /** A fault: stop here. */
  failAt?: { share: number; error: Error }
}

const STEPS = 10

/** Run one copy over `secondsPerDump` of the site's time. Returns the bytes written. */
export async function runCopy(world: World, worker: Worker, copy: Copy): Promise<number> {
  const gate = new Gate()
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  worker.signal.addEventListener('abort', onAbort)
  if (worker.signal.aborted) stop.abort()
  const writing = writeFile(copy.path, copy.source(gate, stop.signal), copy.availableBytes, stop.signal)
  let over = false
  writing.then(
    () => {
      over = true
      gate.finish()
    },
    () => {
      over = true
      stop.abort()
    },
  )
  try {
    for (let step = 1; step <= STEPS; step += 1) {
      await world.pace.sleep(world.secondsPerDump / STEPS, stop.signal)
      gate.allow(step / STEPS)
      if (!over) await gate.until(step / STEPS, stop.signal)
      if (worker.signal.aborted) throw new Interrupted()
      if (stop.signal.aborted) break
      if (copy.failAt !== undefined && step / STEPS >= copy.failAt.share) throw copy.failAt.error
      dateFile(world, copy.path)
      copy.onProgress(step / STEPS)
    }
    return await writing
  } catch (error) {
    stop.abort()
    await writing.catch(() => undefined)
    throw error
  } finally {
    worker.signal.removeEventListener('abort', onAbort)
  }
}
