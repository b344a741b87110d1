/** Who signed a request: the credential, or the refusal that its service has for it. */
import { Refusal, type ServiceName } from './errors.ts'
import { type Claim, claimOf, signatureFault, signedAt, type SignedRequest } from './signature.ts'
import type { LabCredential, World } from './world.ts'

/** How far a request's date may be from the service's own: as EC2's error codes say, and "Troubleshoot signed requests". */
const MOST_SKEW: Record<ServiceName, number> = { ec2: 15 * 60_000, ebs: 5 * 60_000, sts: 5 * 60_000 }

type Problem = 'unsigned' | 'unknown key' | 'wrong signature' | 'expired session' | 'wrong date' | 'wrong scope'

const EC2_FAILURE = 'AWS was not able to validate the provided access credentials'
const TOKEN_INVALID = 'The security token included in the request is invalid.'
const TOKEN_EXPIRED = 'The security token included in the request is expired'
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.'

function worded(service: ServiceName, problem: Problem, detail: string): Refusal {
  if (service === 'ec2') {
    if (problem === 'unsigned')
      return new Refusal(400, 'MissingParameter', 'The request must contain the parameter AWSAccessKeyId')
    if (problem === 'expired session' || problem === 'wrong date')
      return new Refusal(400, 'RequestExpired', 'Request has expired.')
    return new Refusal(401, 'AuthFailure', EC2_FAILURE)
  }
  const sts = service === 'sts'
  switch (problem) {
    case 'unsigned':
      return new Refusal(
        403,
        sts ? 'MissingAuthenticationToken' : 'MissingAuthenticationTokenException',
        'Missing Authentication Token',
      )
    case 'unknown key':
      return new Refusal(403, sts ? 'InvalidClientTokenId' : 'UnrecognizedClientException', TOKEN_INVALID)
    case 'expired session':
      return new Refusal(403, sts ? 'ExpiredToken' : 'ExpiredTokenException', TOKEN_EXPIRED)
    case 'wrong signature':
      return new Refusal(403, sts ? 'SignatureDoesNotMatch' : 'InvalidSignatureException', `${MISMATCH} (${detail})`)
    case 'wrong date':
    case 'wrong scope':
      return new Refusal(403, sts ? 'SignatureDoesNotMatch' : 'InvalidSignatureException', detail)
  }
}

/** @throws Refusal when nobody signed it, or nobody that the lab knows, or wrongly, or too long ago */
export function callerOf(
  world: World,
  service: ServiceName,
  request: SignedRequest,
  checkDates: boolean,
): { claim: Claim; caller: LabCredential } {
  const claim = claimOf(request.headers.authorization ?? '')
  if (claim === undefined) throw worded(service, 'unsigned', '')
  if (claim.service !== service)
    throw worded(service, 'wrong scope', `Credential should be scoped to correct service: '${service}'.`)
  if (service !== 'sts' && !world.regions.has(claim.region))
    throw worded(service, 'wrong scope', `Credential should be scoped to a valid Region, not '${claim.region}'.`)
  const token = String(request.headers['x-amz-security-token'] ?? '')
  const caller = world.credentials.get(claim.accessKeyId) ?? world.findSession(claim.accessKeyId, token)
  if (caller === undefined) throw worded(service, 'unknown key', '')
  const fault = signatureFault(request, claim, caller.secretAccessKey)
  if (fault !== undefined) throw worded(service, 'wrong signature', fault)
  if (request.headers['x-amz-security-token'] !== caller.sessionToken) throw worded(service, 'unknown key', '')
  const now = world.now()
  if (caller.expiresAt !== undefined && caller.expiresAt <= now) throw worded(service, 'expired session', '')
  const date = signedAt(String(request.headers['x-amz-date']))
  if (checkDates && (date === undefined || Math.abs(now.getTime() - date) > MOST_SKEW[service]))
    throw worded(
      service,
      'wrong date',
      `Signature expired: ${String(request.headers['x-amz-date'])} is too far from ${now.toISOString()} (5 min.)`,
    )
  return { claim, caller }
}
