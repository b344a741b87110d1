import { SFNClient } from '@aws-sdk/client-sfn'
import { requestHandler } from '../../functions/aws-api/request-handler.ts'
import { CliError } from './cli-error.ts'

/** As far as every client of the SDK has it. */
interface Client {
  config: { region: () => Promise<string>; credentials: () => Promise<unknown> }
}

/**
 * What is missing on this machine is told as that, before anything is asked of AWS.
 * @param otherwise what a person may do instead, the end of a sentence
 * @throws CliError
 */
export async function requireAccount({ config }: Client, otherwise = ''): Promise<void> {
  try {
    await config.region()
    await config.credentials()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CliError(
      `AWS settings are missing: ${why}. Set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE${otherwise}.`,
      { cause },
    )
  }
}

/** Step Functions of the account and region that the environment tells. */
export function openStepFunctions(): SFNClient {
  return new SFNClient({ requestHandler: requestHandler({}) })
}
