/**
 * Some stores refuse the headers of S3's newer checksums in place of passing over them. What they refuse once, this client
 * leaves out from then on: nothing that proves an archive is among it, since an upload that is proved by a CRC-32 names it
 * itself, and fails without.
 */
import { createHash } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import { errorCode, statusOf } from './s3-errors.ts'

/** Clients whose requests have no checksum but those that they name. */
const plain = new WeakSet<S3Client>()
/** Those among them whose store was seen to refuse the headers, and took the same request without. */
const refused = new WeakSet<S3Client>()

/** From now on, no request of this client has a checksum that it doesn't name itself. */
export function leaveOutChecksums(client: S3Client): void {
  plain.add(client)
}

/** The SDK asks before each request. */
export function checksumSetting(client: () => S3Client): () => Promise<'WHEN_REQUIRED' | 'WHEN_SUPPORTED'> {
  return async () => (plain.has(client()) ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED')
}

/** Send a refused request once more, without the headers. */
export function mindRefusedChecksums(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (refused.has(client)) return next({ ...args, input: withoutMode(withMd5(commandName, args.input)) })
        // The SDK writes into what it is given.
        const again = { ...args, input: withoutMode(withMd5(commandName, args.input)) }
        const isNamed = namesChecksum(args.input)
        try {
          return await next(plain.has(client) ? { ...args, input: withMd5(commandName, args.input) } : args)
        } catch (error) {
          if (isNamed || !refusesChecksums(error, commandName)) throw error
          return await sentAgain(() => next(again), commandName)
        }
      },
    { step: 'initialize', name: 'mindRefusedChecksums' },
  )

  /** That it was the headers is believed once the store has taken the request without, or has found another fault with it. */
  async function sentAgain<Result>(send: () => Promise<Result>, commandName: string): Promise<Result> {
    const wasPlain = plain.has(client)
    plain.add(client)
    try {
      const result = await send()
      refused.add(client)
      return result
    } catch (error) {
      if (statusOf(error) === 404) refused.add(client)
      else if (!wasPlain && (statusOf(error) === 400 || refusesChecksums(error, commandName))) plain.delete(client)
      throw error
    }
  }
}

function namesChecksum(input: object): boolean {
  return 'ChecksumCRC32' in input || 'ChecksumAlgorithm' in input
}

function refusesChecksums(error: unknown, commandName: string): boolean {
  const status = statusOf(error)
  if (status !== 400 && status !== 501) return false
  // An answer to HEAD has no words.
  if (commandName === 'HeadObjectCommand') return true
  const message = error instanceof Error ? error.message : ''
  return /x-amz-(sdk-)?checksum|x-amz-trailer/i.test(`${errorCode(error)} ${message}`)
}

/** A bucket that locks what is written wants a sum with each object, and every store knows the oldest of them. */
function withMd5<Input extends object>(commandName: string, input: Input): Input {
  if (commandName !== 'PutObjectCommand' || 'ContentMD5' in input || !('Body' in input)) return input
  const body: unknown = input.Body
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return input
  return { ...input, ContentMD5: createHash('md5').update(body).digest('base64') }
}

function withoutMode<Input extends object>(input: Input): Input {
  if (!('ChecksumMode' in input)) return input
  const copy = { ...input }
  Reflect.deleteProperty(copy, 'ChecksumMode')
  return copy
}
