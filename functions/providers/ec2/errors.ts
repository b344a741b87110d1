/** What refusals of EC2 and STS mean (EC2: "Error codes for the Amazon EC2 API"). */
import { AwsRefusal } from '../../aws-api/query.ts'
import {
  CredentialsRejected,
  type GuestliftError,
  GuestNotFound,
  PlatformUnavailable,
  PrivilegeMissing,
  RequestRejected,
} from '../../contracts/errors.ts'

/** The keys are wrong, or have ended. */
const CREDENTIALS = new Set([
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'RequestExpired',
  'OptInRequired',
])
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired'])
const REFUSED = new Set(['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException'])

/** Ask later: too many requests of the account, or a snapshot of the volume just now. */
const THROTTLED = new Set([
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'SnapshotCreationPerVolumeRateExceeded',
])

/** As many snapshots as the account may make at a time are being made. */
const PENDING = new Set(['PendingSnapshotLimitExceeded', 'ConcurrentSnapshotLimitExceeded', 'ResourceLimitExceeded'])

const PASSING = new Set(['InternalError', 'InternalFailure', 'ServiceUnavailable', 'Unavailable'])

export function isThrottled({ code }: AwsRefusal): boolean {
  return THROTTLED.has(code)
}

/** The keys have ended: the same call succeeds with new ones. */
export function hasExpired(error: unknown): boolean {
  return error instanceof AwsRefusal && EXPIRED.has(error.code)
}

export function isPassing({ code, status }: AwsRefusal): boolean {
  return THROTTLED.has(code) || PENDING.has(code) || PASSING.has(code) || status >= 500
}

/** The account makes as many snapshots as it may: nothing was begun. */
export function isFull({ code }: AwsRefusal): boolean {
  return PENDING.has(code)
}

/** A right is missing, or a condition on tags does not hold. */
export function isRefused({ code }: AwsRefusal): boolean {
  return REFUSED.has(code)
}

/** What was to be removed isn't there any more. */
export function isGone(error: unknown): boolean {
  return (
    error instanceof AwsRefusal &&
    /^Invalid(Snapshot|Volume|AMIID|InstanceID)\.(NotFound|Unavailable)$/.test(error.code)
  )
}

/** A fact of ours, from a refusal. @param where `Site aws, region eu-central-1` */
export function factOf(refusal: AwsRefusal, where: string, action: string): GuestliftError {
  const { code } = refusal
  const message = (advice: string) => `${where}: ${action} was refused (${refusal.said}). ${advice}`
  const options = { cause: refusal }
  if (CREDENTIALS.has(code)) {
    return new CredentialsRejected(
      message("Check the keys or the role of the site's `auth`, and this machine's clock."),
      options,
    )
  }
  if (isRefused(refusal)) {
    return new PrivilegeMissing(
      message(
        `The account needs the right to ${action}: see "Rights" in docs/ec2.md. A tag condition or a service control ` +
          'policy may refuse it, too.',
      ),
      options,
    )
  }
  if (/^InvalidInstanceID\.(NotFound|Malformed)$/.test(code)) {
    return new GuestNotFound(message('The instance is gone, or the site has another account or region.'), options)
  }
  if (PENDING.has(code)) {
    return new PlatformUnavailable(
      message('As many snapshots as the account may have are being made; later again.'),
      options,
    )
  }
  if (isPassing(refusal)) return new PlatformUnavailable(message('Later again.'), options)
  if (code === '') {
    return new PlatformUnavailable(message('Check `endpoints`, and what is between here and AWS.'), options)
  }
  return new RequestRejected(message('It is not tried again.'), options)
}

/** No answer came. */
export function unansweredFact(where: string, action: string, cause: Error): PlatformUnavailable {
  return new PlatformUnavailable(
    `${where}: ${action} got no answer (${withoutFullStop(cause.message)}). Later again.`,
    {
      cause,
    },
  )
}

function withoutFullStop(text: string): string {
  return text.replace(/\.$/, '')
}
