import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Time as the interpreter sees it. All instants are milliseconds since the epoch.
 *
 * `sleep` resolves when the time has come and rejects with the signal's reason when aborted before.
 * `during` runs work whose end isn't a matter of this clock (a task, an S3 request): a virtual clock stands still meanwhile.
 */
export interface Clock {
  now(): number
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  during<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** setTimeout counts in 32 bits: a longer delay fires at once, so long sleeps are made of several. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The machine's own clock. */
export function realClock(): Clock {
  return { now: () => Date.now(), sleep: sleepForReal, during: (work) => work() }
}

/** By a clock that nobody sets: a step of the machine's clock neither lengthens a wait nor cuts it short. */
async function sleepForReal(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + milliseconds
  for (let left = milliseconds; left > 0; left = end - performance.now()) {
    await oneTimer(Math.min(left, LONGEST_TIMER_MS), signal)
  }
  signal?.throwIfAborted()
}

function oneTimer(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

interface PendingWork {
  sleeping: number
}

/**
 * A clock that jumps to the next sleeper's time as soon as nothing is in flight, so that a day's workflow takes milliseconds.
 * Sleepers wake one by one, by time and then by the order in which they fell asleep; each one's consequences settle before the next wakes.
 *
 * Work passed to `during` holds time still until it ends, is aborted, or itself sleeps on this clock (a mock that takes an hour).
 */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  #checking = false
  readonly #sleepers: Sleeper[] = []
  readonly #inFlight = new Set<PendingWork>()
  readonly #current = new AsyncLocalStorage<PendingWork>()

  constructor(startMs = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const work = this.#current.getStore()
      if (work !== undefined) work.sleeping += 1
      const leave = () => {
        if (work !== undefined) work.sleeping -= 1
        signal?.removeEventListener('abort', abort)
      }
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, milliseconds),
        order: this.#order++,
        wake: () => {
          leave()
          resolve()
        },
      }
      const abort = () => {
        const index = this.#sleepers.indexOf(sleeper)
        if (index >= 0) this.#sleepers.splice(index, 1)
        leave()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#insert(sleeper)
      this.#check()
    })
  }

  during<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const work: PendingWork = { sleeping: 0 }
    const end = () => {
      signal?.removeEventListener('abort', end)
      this.#inFlight.delete(work)
      this.#check()
    }
    this.#inFlight.add(work)
    signal?.addEventListener('abort', end, { once: true })
    return this.#current.run(work, async () => run()).finally(end)
  }

  #insert(sleeper: Sleeper): void {
    // Binary search: ten thousand children may sleep at once.
    let low = 0
    let high = this.#sleepers.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#sleepers[middle]
      if (other !== undefined && (other.at < sleeper.at || (other.at === sleeper.at && other.order < sleeper.order)))
        low = middle + 1
      else high = middle
    }
    this.#sleepers.splice(low, 0, sleeper)
  }

  /** JSONata runs in promises only, so when an immediate fires, every step that could run has run. */
  #check(): void {
    if (this.#checking) return
    this.#checking = true
    setImmediate(() => {
      this.#checking = false
      for (const work of this.#inFlight) if (work.sleeping === 0) return
      const next = this.#sleepers.shift()
      if (next === undefined) return
      this.#now = Math.max(this.#now, next.at)
      next.wake()
      this.#check()
    })
  }
}
