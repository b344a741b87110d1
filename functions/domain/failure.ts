import { errorGroup } from '../contracts/errors.ts'

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
  /** A later attempt may go on with what S3 already has. */
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
  const group = errorGroup(name)
  return {
    name,
    message: lambdaMessage(Cause) ?? machinery[name] ?? Cause ?? `The step failed with ${name} and gave no reason.`,
    skipped: group === 'skip',
    // Errors that aren't ours say nothing about the source: what S3 holds is checked part by part before it is used.
    resumable: group === 'retry' || group === undefined,
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
