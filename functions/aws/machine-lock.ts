/** Locks as files of one machine: what keeps its processes apart where a store can't. */
import { createHash, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LocalProcess, localProcessSchema } from '../contracts/process-identity.ts'
import { StoreUnavailable } from '../contracts/errors.ts'

export interface LockDeps {
  sleep: (milliseconds: number) => Promise<void>
  now: () => Date
  /** This process; `undefined` where the system doesn't tell. */
  self: () => LocalProcess | undefined
  /** Whether another process surely runs no more. */
  isGone: (one: LocalProcess) => boolean
}

const POLL_MILLISECONDS = 10
/** Longer than any request with all of its tries; completing a large upload takes minutes. */
const PATIENCE_MILLISECONDS = 10 * 60_000
/** A file whose owner can't be told is nobody's after this: whoever wrote it was killed, or runs on another system. */
const NAMELESS_MILLISECONDS = PATIENCE_MILLISECONDS

export class MachineLock {
  readonly folder: string
  readonly #deps: LockDeps

  constructor(folder: string, deps: LockDeps) {
    this.folder = folder
    this.#deps = deps
  }

  /**
   * Do something while no other process of this machine does anything under the same name.
   * @throws StoreUnavailable when the lock isn't free for ten minutes
   */
  async hold<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const path = join(this.folder, `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.lock`)
    const since = this.#deps.now().getTime()
    while (!this.#take(path)) {
      if (this.#deps.now().getTime() - since > PATIENCE_MILLISECONDS) {
        throw new StoreUnavailable(
          `The lock file ${path} of this machine was held for ten minutes by another process, while ${name} was to be written. ` +
            'Look whether that process still does something, and end it.',
        )
      }
      await this.#deps.sleep(POLL_MILLISECONDS)
    }
    try {
      return await work()
    } finally {
      rmSync(path, { force: true })
    }
  }

  /** The file appears with its content or not at all: a process that is killed while it writes leaves no lock. */
  #take(path: string): boolean {
    const own = `${path}.${randomBytes(6).toString('hex')}`
    writeFileSync(own, JSON.stringify(this.#deps.self() ?? {}))
    try {
      linkSync(own, path)
      return true
    } catch (error) {
      if (!isExisting(error)) throw error
      this.#removeIfAbandoned(path, own)
      return false
    } finally {
      unlinkSync(own)
    }
  }

  /** Under a lock of its own, which is held for no wait: of two that find an owner dead, one would remove the other's. */
  #removeIfAbandoned(path: string, own: string): void {
    const guard = `${path}.guard`
    if (!this.#isAbandoned(path)) return
    try {
      linkSync(own, guard)
    } catch (error) {
      if (!isExisting(error)) throw error
      if (this.#isAbandoned(guard)) rmSync(guard, { force: true })
      return
    }
    try {
      if (this.#isAbandoned(path)) rmSync(path, { force: true })
    } finally {
      rmSync(guard, { force: true })
    }
  }

  #isAbandoned(path: string): boolean {
    try {
      const owner = localProcessSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
      if (owner.success) return this.#deps.isGone(owner.data)
      return this.#deps.now().getTime() - statSync(path).mtimeMs > NAMELESS_MILLISECONDS
    } catch {
      // Given back meanwhile.
      return false
    }
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}
