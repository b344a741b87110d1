/** Tokens of Microsoft Entra: got when they are first needed, and again before they end. */
import * as z from 'zod'
import type { AzureAccess, AzureAuth } from '../contracts/azure-access.ts'
import { CredentialsRejected, PlatformUnavailable } from '../contracts/errors.ts'
import { parseJson } from '../domain/words/parse-json.ts'
import type { Line } from '../http/api-line.ts'
import { type AzureRefusal, NoAzureAnswer, refusalOf, unanswered } from './azure-line.ts'
import type { AzureHosts } from './hosts.ts'

/** Tokens that end within this time are got anew: a call may take its time. */
const SPARE_MILLISECONDS = 5 * 60_000
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() })

interface Held {
  token: string
  /** In milliseconds since 1970. */
  endsAt: number
}

export interface TokenNeeds {
  site: string
  access: AzureAccess
  hosts: AzureHosts
  line: Line
  now: () => Date
  /** A token of AWS for our own role, which Entra trusts. */
  assertion: () => Promise<string>
}

export class EntraToken {
  readonly #needs: TokenNeeds
  #held: Promise<Held> | undefined

  constructor(needs: TokenNeeds) {
    this.#needs = needs
  }

  /** @throws CredentialsRejected, PlatformUnavailable, NoAzureAnswer */
  async get(): Promise<string> {
    const held = await this.#held?.catch(() => undefined)
    if (held !== undefined && held.endsAt - this.#needs.now().getTime() >= SPARE_MILLISECONDS) return held.token
    const anew = this.#ask()
    this.#held = anew
    return (await anew).token
  }

  /** Azure says that it has ended. */
  forget(): void {
    this.#held = undefined
  }

  async #ask(): Promise<Held> {
    const { access, hosts, line, now } = this.#needs
    const { tenantId, auth } = access
    const form = new URLSearchParams({
      client_id: auth.clientId,
      grant_type: 'client_credentials',
      scope: hosts.scope,
      ...(auth.clientSecret === undefined
        ? { client_assertion_type: ASSERTION_TYPE, client_assertion: await this.#needs.assertion() }
        : { client_secret: auth.clientSecret }),
    })
    const askedAt = now().getTime()
    const answer = await line
      .request({
        method: 'POST',
        path: `/${tenantId}/oauth2/v2.0/token`,
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' },
        body: form.toString(),
      })
      .catch((error: unknown) => {
        throw unanswered(error, hosts.login)
      })
    const read = tokenSchema.safeParse(answer.status === 200 ? parseJson(answer.body) : undefined)
    // Nothing of the answer is quoted: it may hold a token.
    if (answer.status === 200 && !read.success) {
      throw new NoAzureAnswer(true, `${hosts.login} answered a question for a token with something else`)
    }
    if (!read.success) throw this.#fact(refusalOf(answer))
    return { token: read.data.access_token, endsAt: askedAt + read.data.expires_in * 1000 }
  }

  #fact(refusal: AzureRefusal | NoAzureAnswer): Error {
    if (refusal instanceof NoAzureAnswer) return refusal
    const { site, access } = this.#needs
    const at = `Site ${site}: Entra gives no token for application ${access.auth.clientId} of tenant ${access.tenantId} (${refusal.said}).`
    const options = { cause: refusal }
    if (refusal.status === 429 || refusal.code === 'temporarily_unavailable') {
      return new PlatformUnavailable(`${at} Later again.`, options)
    }
    if (refusal.code === '')
      return new PlatformUnavailable(`${at} Check \`endpoints\`, and what is in between.`, options)
    return new CredentialsRejected(`${at} ${adviceOn(refusal, access.auth)}`, options)
  }
}

/** By Entra's own numbers (Microsoft: "Microsoft Entra authentication and authorization error codes"). */
function adviceOn({ message }: AzureRefusal, { federation }: AzureAuth): string {
  if (message.includes('AADSTS7000222')) return 'The secret has ended: make a new one, or use `"federation": "aws"`.'
  if (message.includes('AADSTS7000215')) return "Give the secret's value, not its id."
  if (message.includes('AADSTS700016')) return 'The tenant has no such application: check `tenantId` and `clientId`.'
  if (message.includes('AADSTS90002')) return 'There is no such tenant: check `tenantId` and `cloud`.'
  if (federation === undefined) return "Check the site's `auth` and `tenantId`."
  return "The application's federated credential has to name the issuer of the AWS account, the role as subject, and the audience: see docs/azure.md."
}
