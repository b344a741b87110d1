import { StateFailure } from './errors.ts'

/**
 * The mark of a graceful stop on one execution. While it is set, Waits end at once and Tasks fail at once with the mark's error,
 * until a Catch at the execution's top level has taken it, or a Map or Parallel there has dealt with it; then clean-up runs undisturbed. An execution is marked once only.
 */
export class Interruption {
  #failure: StateFailure | undefined
  #used = false
  #delivered = false
  #controller = new AbortController()

  get marked(): boolean {
    return this.#failure !== undefined
  }

  /** The mark's error has hit a state since it was set: failures of the states around that one come from it. */
  get delivered(): boolean {
    return this.#delivered
  }

  /** Aborted while the mark is set. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Sets the mark; false when this execution had its mark before. */
  mark(error: string, cause: string): boolean {
    if (this.#used) return false
    this.#used = true
    this.#failure = new StateFailure(error, cause, { interrupt: true })
    this.#controller.abort()
    return true
  }

  /** The failure that a Task meets now; undefined when the execution isn't marked. */
  deliver(): StateFailure | undefined {
    if (this.#failure !== undefined) this.#delivered = true
    return this.#failure
  }

  /** A Map or Parallel ended well although it was hit: what is in it has dealt with the stop. Counts at the top level alone. */
  dealtWith(topLevel: boolean): void {
    if (topLevel && this.#delivered) this.clear()
  }

  clear(): void {
    this.#failure = undefined
    this.#delivered = false
    this.#controller = new AbortController()
  }
}
