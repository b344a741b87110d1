import type { Retrier } from './definition.ts'
import type { StateFailure } from './errors.ts'

/**
 * Whether a list of error names takes this failure.
 *
 * `States.ALL` takes everything but `States.DataLimitExceeded`; `States.TaskFailed` everything but `States.Timeout`; `States.Timeout` also takes
 * `States.HeartbeatTimeout`; what is terminal (`States.Runtime`) is taken by nobody. Source: developer guide, "Error names".
 */
export function takes(errorEquals: readonly string[], failure: StateFailure): boolean {
  if (failure.terminal) return false
  const error = failure.error ?? ''
  return errorEquals.some((wanted) => {
    if (wanted === error) return true
    switch (wanted) {
      case 'States.ALL':
        return error !== 'States.DataLimitExceeded'
      case 'States.TaskFailed':
        return error !== 'States.Timeout' && error !== 'States.HeartbeatTimeout'
      case 'States.Timeout':
        return error === 'States.HeartbeatTimeout'
      default:
        return false
    }
  })
}

/** Seconds before retry number `attempt` (0 is the first) of one retrier, jitter included. */
export function retryDelaySeconds(retrier: Retrier, attempt: number, random: () => number): number {
  const grown = retrier.intervalSeconds * retrier.backoffRate ** attempt
  const capped = Math.min(grown, retrier.maxDelaySeconds ?? Number.POSITIVE_INFINITY)
  return retrier.jitter === 'FULL' ? capped * random() : capped
}

/** The retries of one visit to a state: each retrier counts for itself, and the first that takes the error decides alone. */
export class RetryBudget {
  readonly #used = new Map<Retrier, number>()
  readonly #retriers: readonly Retrier[]
  readonly #random: () => number

  constructor(retriers: readonly Retrier[], random: () => number) {
    this.#retriers = retriers
    this.#random = random
  }

  /** Seconds to wait before the next attempt; undefined when there is none left. */
  next(failure: StateFailure): number | undefined {
    const retrier = this.#retriers.find((candidate) => takes(candidate.errorEquals, failure))
    if (retrier === undefined) return undefined
    const used = this.#used.get(retrier) ?? 0
    if (used >= retrier.maxAttempts) return undefined
    this.#used.set(retrier, used + 1)
    return retryDelaySeconds(retrier, used, this.#random)
  }
}
