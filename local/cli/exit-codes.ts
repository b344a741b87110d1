import type { RunReport } from '../../functions/contracts/report.ts'

/** Exit codes of `guestlift run`. Documented in `--help` and the README; scripts rely on them. */
export const exitCodes = {
  succeeded: 0,
  failed: 1,
  partial: 2,
  /** The command line itself is wrong; nothing was done. */
  usage: 64,
  /** Stopped by Ctrl-C or SIGTERM and cleaned up. */
  interrupted: 130,
} as const

export function exitCodeOf(outcome: RunReport['outcome']): number {
  return exitCodes[outcome]
}
