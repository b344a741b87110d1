/** What refusals of EBS direct mean (API reference: "Errors" of GetSnapshotBlock and ListSnapshotBlocks). */
import * as z from 'zod'
import { type Answer, NoAnswer } from '../../aws-api/aws-call.ts'
import { AwsRefusal } from '../../aws-api/query.ts'
import {
  ConnectionDropped,
  CredentialsRejected,
  type GuestliftError,
  PrivilegeMissing,
  SourceUnreadable,
} from '../../contracts/errors.ts'

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
  const fault = faultSchema.safeParse(parsed(text)).data
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

/** @param where site, zone and snapshot */
export function ebsFact(refusal: AwsRefusal, where: string, action: string): GuestliftError {
  const { code, status } = refusal
  const said = `${code === '' ? `HTTP ${status}` : code}${refusal.message === '' ? '' : `: ${refusal.message.replace(/\.$/, '')}`}`
  const message = (advice: string) => `${where}: ebs:${action} was refused (${said}). ${advice}`
  const options = { cause: refusal }
  if (isThrottle(refusal)) {
    return new ConnectionDropped(message('Others use up what the account may read. Lower getBlocksPerSecond.'), options)
  }
  if (code.includes('DEPENDENCY_ACCESS_DENIED')) {
    return new SourceUnreadable(
      message(
        "The volume is encrypted: the account needs kms:Decrypt for its key, and the key's policy has to allow it.",
      ),
      options,
    )
  }
  if (/SNAPSHOT_NOT_FOUND|^ResourceNotFound/.test(code)) {
    return new SourceUnreadable(
      message(
        'Something removed the snapshot while it was read: look for a lifecycle rule or script that removes snapshots.',
      ),
      options,
    )
  }
  if (
    /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|MissingAuthenticationToken)/.test(
      code,
    )
  ) {
    return new CredentialsRejected(
      message("Check the keys or the role of the site's `auth`, and the clock here."),
      options,
    )
  }
  if (code.startsWith('AccessDenied') || (status === 403 && code !== '')) {
    return new PrivilegeMissing(
      message(`The account needs the right to ebs:${action}: see "Rights" in docs/ec2.md.`),
      options,
    )
  }
  if (code === '') return new SourceUnreadable(message('That is no answer of EBS direct. Check `endpoints`.'), options)
  return new SourceUnreadable(
    message('A snapshot in the archive tier, or one that is not completed, can not be read.'),
    options,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
