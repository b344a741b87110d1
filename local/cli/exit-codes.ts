import { GuestliftError } from '../../functions/contracts/errors.ts'
import type { RunReport } from '../../functions/contracts/report.ts'
import type { RestoreReport } from '../../functions/contracts/restore-report.ts'

/**
 * What every command of `guestlift` ends with: the only table of it. Shown by each command's `--help` and by
 * `guestlift exit-codes`, repeated in the README; scripts rely on it. 64 is that of `sysexits.h`.
 */
export const exitCodes = {
  succeeded: 0,
  failed: 1,
  partial: 2,
  /** The site, its node, S3 or another service of AWS didn't answer: the same may work later. */
  unreachable: 3,
  /** The command line itself is wrong, or names a site that nobody knows. Nothing was done. */
  usage: 64,
  /** Stopped by Ctrl-C, SIGTERM or SIGHUP, and cleaned up. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What a command's own three codes mean. One without is never the command's answer. */
export interface ExitMeanings {
  succeeded: string
  failed?: string
  partial?: string
}

/** Lines of the codes that mean the same for all commands. */
const sharedCodes = [
  '  3    the site or the store did not answer; the same may work later',
  '  64   wrong command line, or a site that is not known; nothing was done',
  '  130  stopped by Ctrl-C, SIGTERM or SIGHUP',
]

/** The table for all commands at once. */
export const exitCodeLines: readonly string[] = [
  '  0    done; of a run: every guest archived',
  '  1    not done; of a run: no guest archived, or it could not start',
  '  2    done in part, or not everything could be seen; of a run: some archived, some not',
  ...sharedCodes,
]

/** The end of a command's `--help`. */
export function exitHelp({ succeeded, failed, partial }: ExitMeanings): string {
  const lines = [
    `  0    ${succeeded}`,
    `  1    ${failed ?? 'it failed, and the message says why'}`,
    ...(partial === undefined ? [] : [`  2    ${partial}`]),
    ...sharedCodes,
  ]
  return `\nExit codes:\n${lines.join('\n')}`
}

export function exitCodeOf(outcome: RunReport['outcome']): ExitCode {
  return exitCodes[outcome]
}

/** By the literal name of an error, as it leaves a function. */
const byName: Readonly<Record<string, ExitCode>> = {
  UnknownSite: exitCodes.usage,
  UsageError: exitCodes.usage,
  PlatformUnavailable: exitCodes.unreachable,
  NodeOffline: exitCodes.unreachable,
  RouteUnreachable: exitCodes.unreachable,
  StoreUnavailable: exitCodes.unreachable,
  StoreUnreachable: exitCodes.unreachable,
}

/** What a command ends with that ended by an error of this name. */
export function exitCodeOfFailure(name: string): ExitCode {
  return byName[name] ?? exitCodes.failed
}

/** What a command ends with that this was thrown out of. */
export function exitCodeOfError(error: unknown): ExitCode {
  if (!(error instanceof Error)) return exitCodes.failed
  // The SDK marks what went wrong on the way to AWS as it marks AWS's answers, and our errors from within its calls too;
  // only answers have a status.
  if (!(error instanceof GuestliftError) && '$metadata' in error && error.name !== 'CredentialsProviderError') {
    const { httpStatusCode = 503 } = error.$metadata as { httpStatusCode?: number }
    return httpStatusCode >= 500 ? exitCodes.unreachable : exitCodes.failed
  }
  return exitCodeOfFailure(error.name)
}

/** A run's outcome; where what didn't answer is why no guest was archived, the code says that. */
export function exitCodeOfRun({ outcome, guests }: Pick<RunReport, 'outcome' | 'guests'>): ExitCode {
  if (outcome !== 'failed') return exitCodeOf(outcome)
  const [code = exitCodes.failed, ...others] = new Set(guests.map(({ verdict }) => exitCodeOfFailure(verdict)))
  return others.length === 0 && code === exitCodes.unreachable ? code : exitCodes.failed
}

/** A restore's outcome; where something that didn't answer is why there is no guest, the code says that. */
export function exitCodeOfRestore({ outcome, error }: Pick<RestoreReport, 'outcome' | 'error'>): ExitCode {
  return outcome === 'failed' && error !== undefined ? exitCodeOfFailure(error.name) : exitCodeOf(outcome)
}
