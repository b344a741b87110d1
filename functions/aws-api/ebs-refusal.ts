/** Refusals of EBS direct, as readers and writers of blocks get them (API reference: "Common Errors"). */
import * as z from 'zod'
import { parseJson } from '../domain/words/parse-json.ts'
import { type Answer, NoAnswer } from './aws-call.ts'
import { AwsRefusal } from './query.ts'

const faultSchema = z.object({
  __type: z.string().optional(),
  Message: z.string().optional(),
  message: z.string().optional(),
  Reason: z.string().optional(),
})

/** Code and reason in one: `ValidationException/INVALID_BLOCK_TOKEN`. A body that isn't EBS's gives no code. */
export function refusalOf({ status, headers, body }: Answer, target: Buffer | undefined): Error {
  // A fault may be as long as a block only by malice; then it has no meaning either.
  const text = body.length > 0 || target === undefined ? body.toString('utf8') : ''
  const fault = faultSchema.safeParse(parseJson(text)).data
  // `AccessDeniedException:http://internal.amazon.com/…`, `com.amazonaws.ebs#ValidationException`.
  const type = headers['x-amzn-errortype'] ?? fault?.__type ?? ''
  const name = type.split(':')[0]?.split('#').at(-1) ?? ''
  if (status >= 500) return new NoAnswer(`HTTP ${status}${name === '' ? '' : ` ${name}`}`)
  const reason = fault?.Reason === undefined ? '' : `/${fault.Reason}`
  return new AwsRefusal(status, name === '' ? '' : `${name}${reason}`, fault?.Message ?? fault?.message ?? '')
}

/** Tokens of blocks live seven days, those of pages an hour; listing again gives new ones. */
export function isStaleToken({ code }: AwsRefusal): boolean {
  return /\/INVALID_(BLOCK|PAGE)_TOKEN$/.test(code)
}

/** A throttle is a 400 here, not a 429. */
export function isThrottle({ code, status }: AwsRefusal): boolean {
  return /Throttl|TooManyRequests|ConcurrentLimit/.test(code) || status === 429
}

/** The keys are wrong or have ended. */
export function isOfCredentials({ code }: AwsRefusal): boolean {
  return /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|MissingAuthenticationToken)/.test(
    code,
  )
}
