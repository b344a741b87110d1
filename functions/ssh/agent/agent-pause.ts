import { setTimeout as delay } from 'node:timers/promises'
import { backoffMilliseconds } from '../../domain/transfer/part-retry.ts'

export interface AgentDeps {
  /** 0 ≤ n < 1. */
  random(): number
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const realDeps: AgentDeps = {
  random: Math.random,
  sleep: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal })
  },
}

/** The pause after a try that failed. `attempt` counts from 1. @throws the signal's reason */
export async function pause(attempt: number, deps: AgentDeps, signal?: AbortSignal): Promise<void> {
  try {
    await deps.sleep(
      backoffMilliseconds(attempt, () => deps.random()),
      signal,
    )
  } finally {
    signal?.throwIfAborted()
  }
}
