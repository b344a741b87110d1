/** How fast the site's work goes by. Tasks sleep here, never on a timer of their own, so that a test can hold or hurry them. */

interface Sleeper {
  remainingSeconds: number
  since: number
  patient: boolean
  timer: NodeJS.Timeout | undefined
  wake(): void
}

export class Pace {
  #speed = 1
  readonly #sleepers = new Set<Sleeper>()

  /** 1 is as configured, 10 ten times as fast, 0 holds everything, `Infinity` finishes at once. */
  setSpeed(speed: number): void {
    for (const sleeper of this.#sleepers) this.#settle(sleeper)
    this.#speed = speed
    for (const sleeper of this.#sleepers) this.#arm(sleeper)
  }

  /** Let this many seconds of work pass now, whatever the speed. */
  advance(seconds: number): void {
    for (const sleeper of this.#sleepers) {
      this.#settle(sleeper)
      sleeper.remainingSeconds -= seconds
      this.#arm(sleeper)
    }
  }

  /**
   * Resolves after `seconds` of work, or at once when `signal` is aborted. A patient sleeper is waiting for others, not
   * working: finishing all work at once must not make it give up, so `Infinity` leaves it its real seconds.
   */
  async sleep(seconds: number, signal?: AbortSignal, patient = false): Promise<void> {
    if (signal?.aborted === true) return
    await new Promise<void>((resolve) => {
      const sleeper: Sleeper = { remainingSeconds: seconds, since: Date.now(), patient, timer: undefined, wake }
      const sleepers = this.#sleepers
      function wake(): void {
        clearTimeout(sleeper.timer)
        sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      signal?.addEventListener('abort', wake)
      sleepers.add(sleeper)
      this.#arm(sleeper)
    })
  }

  #speedOf(sleeper: Sleeper): number {
    return sleeper.patient && this.#speed === Number.POSITIVE_INFINITY ? 1 : this.#speed
  }

  #settle(sleeper: Sleeper): void {
    clearTimeout(sleeper.timer)
    if (this.#speedOf(sleeper) < Number.POSITIVE_INFINITY)
      sleeper.remainingSeconds -= ((Date.now() - sleeper.since) / 1000) * this.#speedOf(sleeper)
    sleeper.since = Date.now()
  }

  #arm(sleeper: Sleeper): void {
    const speed = this.#speedOf(sleeper)
    sleeper.since = Date.now()
    if (sleeper.remainingSeconds <= 0 || speed === Number.POSITIVE_INFINITY) {
      sleeper.timer = setTimeout(() => sleeper.wake(), 0)
    } else if (speed > 0) {
      sleeper.timer = setTimeout(() => sleeper.wake(), Math.min(2 ** 31 - 1, (sleeper.remainingSeconds / speed) * 1000))
    }
  }
}
