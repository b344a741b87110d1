import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { InvalidSite } from '../../functions/contracts/errors.ts'
import { decodeText } from '../../functions/domain/words/decode-text.ts'
import { validationMessage } from '../../functions/domain/words/validation-message.ts'
import { withoutSchema } from '../../functions/domain/words/without-schema.ts'
import { siteSchema } from '../../functions/providers/registry.ts'

/**
 * Read a site from a file. It has the shape of the secret on AWS; beside it, `route.privateKeyFile` may name a key file,
 * relative to the site file. Returns the site as JSON text, as Secrets Manager would hold it.
 * @throws InvalidSite naming file and field
 */
export async function readSiteFile(path: string): Promise<string> {
  const text = await readText(path, 'site file')
  const site = await withKeyFile(withoutSchema(parseJson(text, path)), dirname(path))
  const result = siteSchema.safeParse(site)
  if (!result.success) throw new InvalidSite(`The site file ${path} is malformed: ${validationMessage(result.error)}.`)
  return JSON.stringify(site)
}

async function withKeyFile(site: unknown, folder: string): Promise<unknown> {
  if (typeof site !== 'object' || site === null || !('route' in site)) return site
  const { route } = site
  if (typeof route !== 'object' || route === null || !('privateKeyFile' in route)) return site
  const { privateKeyFile, ...rest } = route
  if (typeof privateKeyFile !== 'string' || 'privateKey' in rest) {
    throw new InvalidSite('route.privateKeyFile names a file, and stands in place of route.privateKey.')
  }
  return { ...site, route: { ...rest, privateKey: await readText(resolve(folder, privateKeyFile), 'private key') } }
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return decodeText(await readFile(path))
  } catch (error) {
    throw new InvalidSite(
      `The ${what} ${path} can't be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message may quote the text, which holds secrets.
    throw new InvalidSite(`The site file ${path} is not valid JSON.`)
  }
}
