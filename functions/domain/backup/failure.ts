import { errorGroup, errorStanding } from '../../contracts/errors.ts'

/** An error as Step Functions hands it to a Catch. */
export interface CaughtError {
  Error: string
  Cause?: string | undefined
}

/** What a caught error means for its guest. */
export interface Failure {
  /** Literal name: one of ours, or Step Functions' or Lambda's own. */
  name: string
  message: string
  skipped: boolean
  /** Neither bytes nor source are impeached: a later attempt may go on with the job's archive and what S3 has of it. */
  resumable: boolean
}

/** Errors of the machinery, in words for the report. */
const machinery: Record<string, string> = {
  'States.Timeout': 'A step took longer than its time limit. Nothing says whether it was still at work.',
  'Sandbox.Timedout': 'A function ran into its time limit.',
  'States.DataLimitExceeded': 'A step answered with more than Step Functions can carry (256 KiB).',
  'Lambda.TooManyRequestsException': 'Lambda had no room for another function for too long. Raise its concurrency.',
}

/** Read a caught error. `Cause` holds Lambda's error as JSON (`errorType`, `errorMessage`), or plain text. */
export function readFailure({ Error: name, Cause }: CaughtError): Failure {
  return {
    name,
    // A state that failed without a cause has an empty one.
    message:
      lambdaMessage(Cause) ??
      machinery[name] ??
      (Cause || undefined) ??
      `The step failed with ${name} and gave no reason.`,
    skipped: errorGroup(name) === 'skip',
    // Never from the group: a rejected login ends the run and says nothing about 19 TB that are there. What S3 holds is
    // checked part by part before it is used.
    resumable: errorStanding(name) === 'unscathed',
  }
}

function lambdaMessage(cause: string | undefined): string | undefined {
  try {
    const parsed: unknown = JSON.parse(cause ?? '')
    if (typeof parsed !== 'object' || parsed === null || !('errorMessage' in parsed)) return undefined
    return typeof parsed.errorMessage === 'string' ? parsed.errorMessage : undefined
  } catch {
    return undefined
  }
}
