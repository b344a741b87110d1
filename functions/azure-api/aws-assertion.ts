/**
 * A token of AWS for our own role, which Entra takes in place of a secret (AWS: "Federating AWS identities to external
 * services", `sts:GetWebIdentityToken`).
 */
import * as z from 'zod'
import { AwsCalls, NoAnswer } from '../aws-api/aws-call.ts'
import { AwsCredentials } from '../aws-api/credentials.ts'
import { AwsRefusal, query } from '../aws-api/query.ts'
import type { AzureAccess } from '../contracts/azure-access.ts'
import { CredentialsRejected, InvalidSite, PlatformUnavailable, PrivilegeMissing } from '../contracts/errors.ts'

/** Entra's own name for tokens of others that it exchanges. */
const AUDIENCE = 'api://AzureADTokenExchange'
/** It is exchanged at once. */
const LIFE_SECONDS = 300

const answerSchema = z.object({ GetWebIdentityTokenResult: z.object({ WebIdentityToken: z.string().min(1) }) })

/** @throws InvalidSite without a region, CredentialsRejected, PrivilegeMissing, PlatformUnavailable */
export async function awsAssertion(
  site: string,
  { auth, endpoints }: AzureAccess,
  now: () => Date,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const region = auth.federationRegion ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION']
  if (region === undefined) {
    throw new InvalidSite(
      `Site ${site}: "federation": "aws" needs a region whose STS is asked. Give auth.federationRegion.`,
    )
  }
  const { roleArn, externalId } = auth
  const access = {
    regions: [region],
    ...(roleArn === undefined ? {} : { auth: { roleArn, ...(externalId === undefined ? {} : { externalId }) } }),
    ...(endpoints?.sts === undefined ? {} : { endpoints: { sts: endpoints.sts } }),
  }
  const calls = new AwsCalls(now, 1)
  try {
    const key = await new AwsCredentials(site, access, { calls, now }).key()
    const input = { Audience: { member: [AUDIENCE] }, SigningAlgorithm: 'RS256', DurationSeconds: LIFE_SECONDS }
    const call = { service: 'sts' as const, region, action: 'GetWebIdentityToken', input }
    const { content } = await query(call, { calls, access, key })
    const read = answerSchema.safeParse(content)
    // Nothing of the answer is quoted: it may hold a token.
    if (!read.success) throw new NoAnswer('the answer to GetWebIdentityToken holds no token')
    return read.data.GetWebIdentityTokenResult.WebIdentityToken
  } catch (error) {
    throw factOf(error, `Site ${site}, region ${region}`)
  } finally {
    calls.close()
  }
}

function factOf(error: unknown, where: string): unknown {
  const options = { cause: error }
  if (error instanceof NoAnswer) {
    return new PlatformUnavailable(
      `${where}: STS of AWS gave no token for Entra (${error.message}). Later again.`,
      options,
    )
  }
  if (!(error instanceof AwsRefusal)) return error
  const at = `${where}: STS of AWS gives no token for Entra (${error.said}).`
  if (error.code === '' || error.code.includes('Throttl')) return new PlatformUnavailable(`${at} Later again.`, options)
  if (error.code.startsWith('AccessDenied')) {
    return new PrivilegeMissing(
      `${at} The role needs the right to sts:GetWebIdentityToken: see "Without a secret" in docs/azure.md.`,
      options,
    )
  }
  return new CredentialsRejected(
    `${at} Outbound identity federation has to be switched on for the AWS account: see docs/azure.md.`,
    options,
  )
}
