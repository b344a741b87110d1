/** What AWS answers when it refuses. One class; the three services word it in three ways. */

export type ServiceName = 'ec2' | 'ebs' | 'sts'

export class Refusal extends Error {
  readonly status: number
  readonly code: string
  /** Of EBS direct: the closer reason. */
  readonly reason: string | undefined

  constructor(status: number, code: string, message: string, reason?: string) {
    super(message)
    this.status = status
    this.code = code
    this.reason = reason
  }
}

export const ec2 = (code: string, message: string, status = 400): Refusal => new Refusal(status, code, message)

/** EBS direct: 400, as for most of what it refuses. */
export const invalid = (reason: string, message: string): Refusal =>
  new Refusal(400, 'ValidationException', message, reason)

export const notFound = (reason: string, message: string): Refusal =>
  new Refusal(404, 'ResourceNotFoundException', message, reason)

/** Too many requests, as each service says it. */
export function throttled(service: ServiceName): Refusal {
  if (service === 'ec2') return new Refusal(503, 'RequestLimitExceeded', 'Request limit exceeded.')
  if (service === 'sts') return new Refusal(400, 'Throttling', 'Rate exceeded')
  return new Refusal(
    400,
    'RequestThrottledException',
    'The maximum request rate permitted by the Amazon EBS direct APIs has been exceeded for your account.',
    'ACCOUNT_THROTTLED',
  )
}

/** A right is missing, as each service says it. */
export function denied(
  service: ServiceName,
  principal: string,
  action: string,
  resource: string,
  told?: string,
): Refusal {
  const why = told ?? `because no identity-based policy allows the ${action} action`
  const sentence = `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${why}`
  if (service === 'ec2')
    return new Refusal(403, 'UnauthorizedOperation', `You are not authorized to perform this operation. ${sentence}`)
  if (service === 'sts') return new Refusal(403, 'AccessDenied', sentence)
  const reason = action.startsWith('kms:') ? 'DEPENDENCY_ACCESS_DENIED' : 'UNAUTHORIZED_ACCOUNT'
  return new Refusal(403, 'AccessDeniedException', sentence, reason)
}
