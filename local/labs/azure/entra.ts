/** Entra: tokens for a secret, or for an assertion that another issuer signed. */
import { verify } from 'node:crypto'
import { Refusal } from './errors.ts'
import type { Federation, Json, LabClient, World } from './world.ts'

const EXCHANGE = 'api://AzureADTokenExchange'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The description begins with Entra's number, which clients read. */
export class EntraRefusal extends Refusal {
  readonly number: number
  constructor(status: number, code: string, number: number, text: string) {
    super(status, code, `AADSTS${number}: ${text}`)
    this.number = number
  }
}

export function openIdConfiguration(url: string, tenant: string): Json {
  return {
    token_endpoint: `${url}/${tenant}/oauth2/v2.0/token`,
    authorization_endpoint: `${url}/${tenant}/oauth2/v2.0/authorize`,
    issuer: `${url}/${tenant}/v2.0`,
    jwks_uri: `${url}/${tenant}/keys`,
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  }
}

const refused = (number: number, text: string): EntraRefusal => new EntraRefusal(401, 'invalid_client', number, text)

function checkSecret({ secret, secretEnds, clientId }: LabClient, given: string, now: Date): void {
  if (secret === undefined || given !== secret)
    throw refused(
      7_000_215,
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.',
    )
  if (secretEnds !== undefined && secretEnds <= now)
    throw refused(7_000_222, `The provided client secret keys for app '${clientId}' are expired.`)
}

function partOf(text: string | undefined): Json {
  try {
    return JSON.parse(Buffer.from(text ?? '', 'base64url').toString('utf8')) as Json
  } catch {
    throw refused(50_027, 'JWT token is invalid or malformed.')
  }
}

function checkAssertion(federation: Federation | undefined, jwt: string, now: Date): void {
  const [head, body, signature] = jwt.split('.')
  const [header, claims] = [partOf(head), partOf(body)]
  if (federation === undefined || claims['iss'] !== federation.issuer || claims['sub'] !== federation.subject)
    throw refused(
      70_021,
      `No matching federated identity record found for presented assertion. Assertion Issuer: '${String(claims['iss'])}'. Assertion Subject: '${String(claims['sub'])}'.`,
    )
  const audiences = [claims['aud']].flat()
  if (!audiences.includes(federation.audience ?? EXCHANGE))
    throw refused(
      700_212,
      `No matching federated identity record found for presented assertion audience '${String(claims['aud'])}'.`,
    )
  const ec = header['alg'] === 'ES384' || header['alg'] === 'ES256'
  const algorithm = header['alg'] === 'ES384' ? 'sha384' : 'sha256'
  const key = { key: federation.publicKey, ...(ec ? { dsaEncoding: 'ieee-p1363' as const } : {}) }
  const known = ['RS256', 'ES256', 'ES384'].includes(String(header['alg']))
  if (!known || !verify(algorithm, Buffer.from(`${head}.${body}`), key, Buffer.from(signature ?? '', 'base64url')))
    throw refused(700_027, 'Client assertion failed signature validation.')
  const seconds = now.getTime() / 1000
  if (Number(claims['exp'] ?? 0) <= seconds || Number(claims['nbf'] ?? 0) > seconds + 300)
    throw refused(700_024, 'Client assertion is not within its valid time range.')
}

/**
 * @param form of `POST /{tenant}/oauth2/v2.0/token`
 * @throws EntraRefusal
 */
export function issueToken(world: World, tenant: string, form: URLSearchParams): Json {
  if (tenant.toLowerCase() !== world.tenant.toLowerCase())
    throw new EntraRefusal(
      400,
      'invalid_request',
      90_002,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`,
    )
  if (form.get('grant_type') !== 'client_credentials')
    throw new EntraRefusal(400, 'unsupported_grant_type', 70_003, 'The app requested an unsupported grant type.')
  if (!(form.get('scope') ?? '').endsWith('/.default'))
    throw new EntraRefusal(
      400,
      'invalid_scope',
      1_002_012,
      'The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.',
    )
  const clientId = form.get('client_id') ?? ''
  const client = world.clients.get(clientId.toLowerCase())
  if (client === undefined)
    throw new EntraRefusal(
      400,
      'unauthorized_client',
      700_016,
      `Application with identifier '${clientId}' was not found in the directory.`,
    )
  const assertion = form.get('client_assertion')
  if (assertion === null) checkSecret(client, form.get('client_secret') ?? '', world.now())
  else if (form.get('client_assertion_type') === ASSERTION_TYPE)
    checkAssertion(client.federation, assertion, world.now())
  else throw refused(50_027, 'JWT token is invalid or malformed.')
  const seconds = world.settings.tokenSeconds
  const token = `lab-token-${world.newSecret(48)}`
  world.tokens.set(token, { clientId: client.clientId, ends: new Date(world.now().getTime() + seconds * 1000) })
  return { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token }
}

/** Whose token a request carries. @throws Refusal 401 */
export function callerOf(world: World, authorization: string | undefined): LabClient {
  const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
  const known = token === undefined ? undefined : world.tokens.get(token)
  const client = world.clients.get(known?.clientId.toLowerCase() ?? '')
  if (known === undefined || client === undefined)
    throw new Refusal(
      401,
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing or invalid.",
    )
  if (known.ends <= world.now())
    throw new Refusal(
      401,
      'ExpiredAuthenticationToken',
      `The access token expiry UTC time '${known.ends.toISOString()}' is earlier than current UTC time '${world.now().toISOString()}'.`,
    )
  return client
}
