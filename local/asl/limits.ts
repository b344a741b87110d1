import { StateFailure } from './errors.ts'
import { type Json, jsonBytes } from './json.ts'

/**
 * The hard quotas of Standard workflows (AWS Step Functions developer guide, "Service quotas", as of October 2026).
 * They hold locally too, so that what runs here runs there.
 */
export const LIMITS = {
  /** Input, output, arguments or result of a state, UTF-8 bytes. */
  payloadBytes: 262_144,
  /** The 25,000th event is the one that fails the execution. */
  historyEvents: 25_000,
  inlineMapConcurrency: 40,
  distributedMapConcurrency: 10_000,
  nameLength: 80,
  definitionBytes: 1_048_576,
  /** All variables of one execution together. */
  variablesBytes: 10 * 1_048_576,
  /** Largest value of every field that counts seconds or attempts. */
  count: 99_999_999,
  maxDelaySeconds: 31_622_400,
} as const

/** Throws `States.DataLimitExceeded` for a payload over 256 KiB. `what` names it: `The state/task 'x' returned a result`. */
export function requirePayloadSize(value: Json, what: string): void {
  if (jsonBytes(value) <= LIMITS.payloadBytes) return
  throw new StateFailure(
    'States.DataLimitExceeded',
    `${what} with a size exceeding the maximum number of bytes service limit.`,
  )
}
