/** Tells of each try of a request that S3 did not answer, or asked to repeat: until the last of them it is silent. */
import type { S3Client } from '@aws-sdk/client-s3'
import { errorCode, isPassing } from './s3-errors.ts'

/** A sentence for people: where, what, and which try of how many it was. */
export type OnFailedTry = (sentence: string) => void

/** The SDK tells the server which try it is: `attempt=2; max=4`. */
const TRY = /^attempt=(\d+); max=(\d+)$/

export function tellFailedTries(client: S3Client, onFailedTry: OnFailedTry): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        if (isPassing(error)) onFailedTry(sentenceOf(error, args.request))
        throw error
      }
    },
    // Behind the retries, so that each try passes.
    { step: 'finalizeRequest', priority: 'low', name: 'tellFailedTries' },
  )
}

function sentenceOf(error: unknown, request: unknown): string {
  const { hostname = 'its endpoint', headers = {} } = request as {
    hostname?: string
    headers?: Record<string, string | undefined>
  }
  const [, attempt, most] = TRY.exec(headers['amz-sdk-request'] ?? '') ?? []
  const code = errorCode(error)
  const said = error instanceof Error && error.message !== '' && error.message !== code ? `: ${error.message}` : ''
  return `S3 at ${hostname}, try ${attempt ?? 1} of ${most ?? 1}: ${code}${said}`
}
