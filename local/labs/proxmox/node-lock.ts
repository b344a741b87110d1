/** The lock that lets one vzdump job run per node. */
import type { Pace } from './pace.ts'

export type LockResult = 'got' | 'timeout' | 'interrupted'

export class NodeLock {
  #held = false
  readonly #waiting: (() => void)[] = []

  get busy(): boolean {
    return this.#held
  }

  async acquire(pace: Pace, timeoutSeconds: number, signal: AbortSignal): Promise<LockResult> {
    if (!this.#held) {
      this.#held = true
      return 'got'
    }
    const given = Promise.withResolvers<void>()
    const give = given.resolve
    this.#waiting.push(give)
    const over = new AbortController()
    const cancel = (): void => over.abort()
    signal.addEventListener('abort', cancel)
    const result = await Promise.race([
      given.promise.then((): LockResult => 'got'),
      pace
        .sleep(timeoutSeconds, over.signal, true)
        .then((): LockResult => (signal.aborted ? 'interrupted' : 'timeout')),
    ])
    signal.removeEventListener('abort', cancel)
    over.abort()
    if (result !== 'got') {
      const index = this.#waiting.indexOf(give)
      // Both may have happened at once: then the lock was handed over to nobody and goes on to the next.
      if (index >= 0) this.#waiting.splice(index, 1)
      else this.release()
    }
    return result
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#held = false
    else next()
  }
}
