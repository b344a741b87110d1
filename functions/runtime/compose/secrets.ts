import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { requestHandler } from '../../aws-api/request-handler.ts'
import { SiteSecrets } from '../../aws/site-secrets.ts'
import type { SecretUse } from '../../domain/books/site-secret-name.ts'
import { InvalidSite } from '../../contracts/errors.ts'
import { siteEnv } from '../../contracts/task-env.ts'
import { withoutMark } from '../../domain/words/decode-text.ts'
import { asRestoreSite } from '../../domain/restore/restore-site.ts'
import { withoutSchema } from '../../domain/words/without-schema.ts'
import { readEnv } from '../env.ts'

let secrets: SiteSecrets | undefined

/** A site's configuration as it lies in its secret, parsed as JSON and nothing more. @throws UnknownSite, InvalidSite */
export function readSiteConfig(site: string): Promise<unknown> {
  return readConfig(site, 'backup')
}

/** The same as the functions that restore see it, from a secret of their own. @throws UnknownSite, InvalidSite */
export async function readRestoreSiteConfig(site: string): Promise<unknown> {
  return asRestoreSite(await readConfig(site, 'restore'))
}

async function readConfig(site: string, use: SecretUse): Promise<unknown> {
  secrets ??= new SiteSecrets(
    new SecretsManagerClient({ requestHandler: requestHandler({}) }),
    readEnv(siteEnv).SITE_SECRET_PREFIX,
    () => new Date(),
  )
  const text = await secrets.readSite(site, use)
  try {
    return withoutSchema(JSON.parse(withoutMark(text)))
  } catch {
    // The parser's own message may quote the text, which is a secret.
    throw new InvalidSite(`The secret of site ${site} is not valid JSON. Store the site as docs/sites.md shows it.`)
  }
}
