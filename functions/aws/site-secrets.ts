import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { InvalidSite, StoreDenied, StoreUnavailable, UnknownSite } from '../contracts/errors.ts'
import { type SecretUse, siteSecretName } from '../domain/books/site-secret-name.ts'
import { errorCode, isPassing } from './s3-errors.ts'

/** Long enough to spare calls, short enough that a changed password is picked up within one run's retries. */
const KEEP_MILLISECONDS = 5 * 60_000

/**
 * Sites as Secrets Manager holds them: one secret for each, named `<prefix><site>`, its text the site's JSON; and where
 * guests are restored, `<prefix><site>/restore` with that text and the account for restores.
 */
export class SiteSecrets {
  readonly #client: SecretsManagerClient
  readonly #prefix: string
  readonly #now: () => Date
  readonly #kept = new Map<string, { text: string; untilMilliseconds: number }>()

  constructor(client: SecretsManagerClient, prefix: string, now: () => Date) {
    this.#client = client
    this.#prefix = prefix
    this.#now = now
  }

  /**
   * The site's JSON text. Parsing is the caller's; the text must not get into logs or errors.
   * @throws UnknownSite, InvalidSite (no text), StoreDenied (no permission), StoreUnavailable
   */
  async readSite(site: string, use: SecretUse = 'backup'): Promise<string> {
    const secretName = siteSecretName(this.#prefix, site, use)
    const kept = this.#kept.get(secretName)
    const nowMilliseconds = this.#now().getTime()
    if (kept !== undefined && kept.untilMilliseconds > nowMilliseconds) return kept.text
    const text = await this.#fetch(site, secretName, use)
    this.#kept.set(secretName, { text, untilMilliseconds: nowMilliseconds + KEEP_MILLISECONDS })
    return text
  }

  async #fetch(site: string, secretName: string, use: SecretUse): Promise<string> {
    try {
      const answer = await this.#client.send(new GetSecretValueCommand({ SecretId: secretName }))
      if (answer.SecretString === undefined) {
        throw new InvalidSite(`the secret ${secretName} of site ${site} is binary; store the site's JSON as text`)
      }
      return answer.SecretString
    } catch (error) {
      if (error instanceof InvalidSite) throw error
      throw secretFact(error, site, secretName, use)
    }
  }
}

/** IAM's word when none of the function's policies names this secret. Other refusals name what refuses: a Deny, a boundary, a key. */
const nothingAllows = /no identity-based policy allows the secretsmanager:GetSecretValue/

const unknownTo: Record<SecretUse, (site: string) => string> = {
  backup: (site) => `no site ${site} is configured`,
  restore: (site) => `site ${site} is not configured for restores`,
}
const withBlock: Record<SecretUse, string> = {
  backup: ', without a block `restore`',
  restore: ' with its block `restore`',
}

function secretFact(error: unknown, site: string, secretName: string, use: SecretUse): Error {
  const code = errorCode(error)
  const cause = { cause: error }
  if (code === 'ResourceNotFoundException') {
    return new UnknownSite(
      `${unknownTo[use](site)}: Secrets Manager has no value for ${secretName}. Create the secret from the site's JSON${withBlock[use]}: ` +
        `aws secretsmanager create-secret --name ${secretName} --secret-string file://site.json`,
      cause,
    )
  }
  if (isPassing(error) || code === 'InternalServiceError') {
    return new StoreUnavailable(`can't read the secret ${secretName} of site ${site} now: ${code}`, cause)
  }
  // A deployed function may read the secrets of its deployment's sites, whether or not they exist yet.
  if (code === 'AccessDeniedException' && nothingAllows.test(error instanceof Error ? error.message : '')) {
    return new UnknownSite(
      `no site ${site} is configured: it is not in \`sites\` of the deployment, so the function may not read the secret ${secretName}. ` +
        'Add it there and deploy, or correct the name of the site in the job',
      cause,
    )
  }
  if (code === 'InvalidRequestException') {
    return new StoreDenied(
      `can't read the secret ${secretName} of site ${site} (${code}): it may be marked for deletion. Take that back: ` +
        `aws secretsmanager restore-secret --secret-id ${secretName}`,
      cause,
    )
  }
  return new StoreDenied(
    `can't read the secret ${secretName} of site ${site} (${code}). Check that it exists and that nothing denies ` +
      'secretsmanager:GetSecretValue on it. If it has a key of its own, the function needs kms:Decrypt on that',
    cause,
  )
}
