/** Logging in to Azure without a secret: STS of AWS gives a token, which Entra exchanges. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Arm, COMPUTE } from '../../../functions/azure-api/arm.ts'
import { awsAssertion } from '../../../functions/azure-api/aws-assertion.ts'
import { azureAccessSchema } from '../../../functions/contracts/azure-access.ts'
import {
  CredentialsRejected,
  InvalidSite,
  PlatformUnavailable,
  PrivilegeMissing,
} from '../../../functions/contracts/errors.ts'
import { type AzureLab, startAzureLab } from '../../../local/labs/azure/lab.ts'

const CLIENT = '88888888-8888-4888-8888-888888888888'
const ISSUER = 'https://11111111.tokens.sts.global.api.aws'
const ROLE = 'arn:aws:iam::111122223333:role/guestlift-azure'
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

let lab: AzureLab
let sts: Server
let asked: URLSearchParams[]
/** What STS answers a question for a token with. */
let answer: (form: URLSearchParams) => { status: number; body: string }

function jwt(claims: object): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}

const claims = { iss: ISSUER, sub: ROLE, aud: 'api://AzureADTokenExchange', exp: Math.floor(Date.now() / 1000) + 300 }
const tokenOf = (its: object) => ({
  status: 200,
  body: `<GetWebIdentityTokenResponse><GetWebIdentityTokenResult><WebIdentityToken>${jwt(its)}</WebIdentityToken></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`,
})
const refusal = (status: number, code: string) => ({
  status,
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
})
const assumed = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIALAB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`

beforeEach(async () => {
  lab = await startAzureLab({
    clients: [{ clientId: CLIENT, federation: { issuer: ISSUER, subject: ROLE, publicKey }, role: { Actions: ['*'] } }],
  })
  asked = []
  answer = () => tokenOf(claims)
  sts = createServer((request, response) => {
    void textOf(request).then((body) => {
      const form = new URLSearchParams(body)
      asked.push(form)
      const its = form.get('Action') === 'AssumeRole' ? { status: 200, body: assumed } : answer(form)
      response.writeHead(its.status, { 'content-type': 'text/xml' }).end(its.body)
    })
  })
  await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve))
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIALAB'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
})
afterEach(async () => {
  sts.closeAllConnections()
  await new Promise((resolve) => sts.close(resolve))
  await lab.close()
})

function accessWith(more: object = {}) {
  const url = `http://127.0.0.1:${(sts.address() as AddressInfo).port}`
  const site = lab.site()
  return azureAccessSchema.parse({
    ...site,
    endpoints: { login: lab.url, management: lab.url, sts: url },
    auth: { clientId: CLIENT, federation: 'aws', federationRegion: 'eu-central-1', ...more },
  })
}

async function logIn(more: object = {}): Promise<void> {
  const arm = new Arm('az', accessWith(more), { now: () => new Date(), sleep: async () => undefined })
  try {
    await arm.all(
      { path: `/subscriptions/${lab.subscription}/providers/Microsoft.Compute/virtualMachines`, version: COMPUTE },
      z.unknown(),
    )
  } finally {
    await arm.close()
  }
}

describe('logging in without a secret', () => {
  it('asks STS of the region for a token that Entra takes', async () => {
    await logIn()
    expect(
      asked.map((form) => [
        form.get('Action'),
        form.get('Audience.member.1'),
        form.get('SigningAlgorithm'),
        form.get('DurationSeconds'),
      ]),
    ).toEqual([['GetWebIdentityToken', 'api://AzureADTokenExchange', 'RS256', '300']])
  })

  it('assumes the role that the application trusts first, where the site names one', async () => {
    await logIn({ roleArn: ROLE, externalId: 'both-sides' })
    expect(asked.map((form) => [form.get('Action'), form.get('RoleArn')])).toEqual([
      ['AssumeRole', ROLE],
      ['GetWebIdentityToken', null],
    ])
  })

  it.each([
    ['another role', { ...claims, sub: 'arn:aws:iam::111122223333:role/other' }],
    ['another audience', { ...claims, aud: 'sts.amazonaws.com' }],
    ['another account', { ...claims, iss: 'https://22222222.tokens.sts.global.api.aws' }],
  ])('is refused for %s, and says what the credential has to name', async (_what, its) => {
    answer = () => tokenOf(its)
    await expect(logIn()).rejects.toThrow(CredentialsRejected)
    await expect(logIn()).rejects.toThrow(/federated credential has to name the issuer/)
  })

  it.each([
    [refusal(403, 'AccessDenied'), PrivilegeMissing, /sts:GetWebIdentityToken/],
    [refusal(400, 'OutboundWebIdentityFederationDisabled'), CredentialsRejected, /has to be switched on/],
    [refusal(400, 'Throttling'), PlatformUnavailable, /Later again/],
    [{ status: 200, body: '<html>sign in</html>' }, PlatformUnavailable, /is no answer of AWS/],
  ])('tells %j apart', async (its, Fact, text) => {
    answer = () => its
    const asking = awsAssertion('az', accessWith(), () => new Date())
    await expect(asking).rejects.toThrow(text)
    await expect(asking).rejects.toThrow(Fact)
  })

  it('needs a region', async () => {
    const access = accessWith({ federationRegion: undefined })
    await expect(awsAssertion('az', access, () => new Date(), {})).rejects.toThrow(InvalidSite)
  })
})
