import { GuestliftError } from '../../functions/contracts/errors.ts'
import type { RunReport } from '../../functions/contracts/report.ts'
import type { RestoreReport } from '../../functions/contracts/restore-report.ts'

/**
 * What every command of `guestlift` ends with: the only table of it. Shown by each command's `--help`, repeated in the
 * README; scripts rely on it. Numbers from 64 on are those of `sysexits.h`.
 */
export const exitCodes = {
  succeeded: 0,
  failed: 1,
  partial: 2,
  /** The command line itself is wrong, or names a site that nobody knows. Nothing was done. */
  usage: 64,
  /** The site, or the node in question, didn't answer. */
  siteUnreachable: 68,
  /** S3, or another service of AWS, didn't answer. */
  storeUnreachable: 69,
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

/** The end of a command's `--help`. */
export function exitHelp({ succeeded, failed, partial }: ExitMeanings): string {
  const lines = [
    `  0    ${succeeded}`,
    `  1    ${failed ?? 'it failed, and the message says why'}`,
    ...(partial === undefined ? [] : [`  2    ${partial}`]),
    '  64   wrong command line, or a site that is not known; nothing was done',
    '  68   the site did not answer',
    '  69   S3, or another service of AWS, did not answer',
    '  130  stopped by Ctrl-C, SIGTERM or SIGHUP',
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
  PlatformUnavailable: exitCodes.siteUnreachable,
  NodeOffline: exitCodes.siteUnreachable,
  RouteUnreachable: exitCodes.siteUnreachable,
  StoreUnavailable: exitCodes.storeUnreachable,
  StoreUnreachable: exitCodes.storeUnreachable,
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
    return httpStatusCode >= 500 ? exitCodes.storeUnreachable : exitCodes.failed
  }
  return exitCodeOfFailure(error.name)
}

/** A run's outcome; where one thing that didn't answer is why no guest was archived, the code says that. */
export function exitCodeOfRun({ outcome, guests }: Pick<RunReport, 'outcome' | 'guests'>): ExitCode {
  if (outcome !== 'failed') return exitCodeOf(outcome)
  const [code = exitCodes.failed, ...others] = new Set(guests.map(({ verdict }) => exitCodeOfFailure(verdict)))
  return others.length === 0 && code >= exitCodes.siteUnreachable ? code : exitCodes.failed
}

/** A restore's outcome; where something that didn't answer is why there is no guest, the code says that. */
export function exitCodeOfRestore({ outcome, error }: Pick<RestoreReport, 'outcome' | 'error'>): ExitCode {
  return outcome === 'failed' && error !== undefined ? exitCodeOfFailure(error.name) : exitCodeOf(outcome)
}
