import { setTimeout as delay } from 'node:timers/promises'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { requestHandler } from '../../../functions/aws-api/request-handler.ts'
import { SiteSecrets } from '../../../functions/aws/site-secrets.ts'
import { InvalidSite } from '../../../functions/contracts/errors.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'
import type { Provider } from '../../../functions/providers/provider.ts'
import { withoutSchema } from '../../../functions/domain/words/without-schema.ts'
import { openProvider, type Site, siteSchema } from '../../../functions/providers/registry.ts'
import type { Deployment } from '../../../lib/deployment-config.ts'
import { readDeployment } from '../../deployments/read-deployment.ts'
import { readSiteFile } from '../../run/site-file.ts'
import { requireAccount } from '../../run/aws-account.ts'
import { UsageError } from '../../run/cli-error.ts'

/** Where a command finds a site: in a file, or in the secrets of a deployment. */
export interface SiteOptions {
  siteFile?: string
  /** Its name, where the command line says it. */
  site?: string
  /** Its name, where settings say it. */
  usualSite?: string
  deployment?: string
}

/** A sentence about what is wrong, unless exactly one of both is given. */
export function complaintAboutSource({ siteFile, deployment }: SiteOptions): string | undefined {
  if ((siteFile === undefined) !== (deployment === undefined)) return undefined
  return 'say where the site is found: either --site-file <file> or --deployment <name>'
}

export function deploymentNamed(name: string): Promise<Deployment> {
  return readDeployment({ tryGetContext: () => name })
}

/** The site's configuration as JSON text, from the file or with the caller's own AWS rights from the deployment's secret. */
export async function siteJson(
  name: string,
  siteFile: string | undefined,
  deployment: Deployment | undefined,
): Promise<string> {
  if (siteFile !== undefined) return readSiteFile(siteFile)
  if (deployment === undefined) throw new UsageError('No site file and no deployment is given.')
  if (!deployment.sites.includes(name)) {
    throw new UsageError(`Deployment ${deployment.name} has no site ${name}: it has ${deployment.sites.join(', ')}.`)
  }
  const client = new SecretsManagerClient({
    requestHandler: requestHandler({}),
    ...(deployment.region === undefined ? {} : { region: deployment.region }),
  })
  try {
    await requireAccount(client, '; or give the site with --site-file')
    return await new SiteSecrets(client, deployment.siteSecretPrefix, () => new Date()).readSite(name)
  } finally {
    client.destroy()
  }
}

/** Log in to a site from here. What the provider repeats is told on standard error, so that a pause has an explanation. */
export async function openSiteProvider(name: string, json: string): Promise<Provider> {
  return openProvider(name, requireSite(name, json), {
    now: () => new Date(),
    sleep: (milliseconds) => delay(milliseconds),
    log: (event, fields) => {
      if (event === 'platform-call-repeated') process.stderr.write(`asking again: ${String(fields['reason'])}\n`)
    },
  })
}

/** A site's configuration, read. @throws InvalidSite naming the field, and nothing of what it holds */
export function requireSite(name: string, json: string): Site {
  const parsed = siteSchema.safeParse(withoutSchema(parseJson(json, name)))
  if (parsed.success) return parsed.data
  throw new InvalidSite(`The configuration of site ${name} is malformed: ${validationMessage(parsed.error)}.`)
}

function parseJson(json: string, name: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // The parser's own message may quote the text, which is a secret.
    throw new InvalidSite(`The configuration of site ${name} is not valid JSON.`)
  }
}
