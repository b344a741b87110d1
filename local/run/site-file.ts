import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { InvalidSite } from '../../functions/contracts/errors.ts'
import { decodeText } from '../../functions/domain/words/decode-text.ts'
import { withoutSchema } from '../../functions/domain/words/without-schema.ts'
import { siteSchema } from '../../functions/providers/registry.ts'
import { readDocument } from '../documents/read-document.ts'

/**
 * Read a site from a file. It has the shape of the secret on AWS; beside it, `route.privateKeyFile` and
 * `restore.delivery.privateKeyFile` may name key files, relative to the site file. Returns the site as JSON text, as
 * Secrets Manager would hold it.
 * @throws InvalidSite naming file, line, column and field
 */
export async function readSiteFile(path: string): Promise<string> {
  const document = await readDocument(path, {
    noun: 'site',
    page: 'docs/sites.md',
    error: (message, options) => new InvalidSite(message, options),
  })
  const folder = dirname(path)
  const withRoute = await withKeyFile(withoutSchema(document.value), ['route'], folder)
  const site = await withKeyFile(withRoute, ['restore', 'delivery'], folder)
  const result = siteSchema.safeParse(site)
  if (!result.success) throw document.refusal(result.error)
  return JSON.stringify(site)
}

/** A site with the text of the key whose file the login at `place` names. */
async function withKeyFile(site: unknown, place: readonly string[], folder: string): Promise<unknown> {
  const keyed = async (value: unknown, [name, ...below]: readonly string[]): Promise<unknown> => {
    if (typeof value !== 'object' || value === null) return value
    if (name !== undefined) {
      const inner: unknown = Reflect.get(value, name)
      return inner === undefined ? value : { ...value, [name]: await keyed(inner, below) }
    }
    if (!('privateKeyFile' in value)) return value
    const { privateKeyFile, ...rest } = value
    if (typeof privateKeyFile !== 'string' || 'privateKey' in rest) {
      const login = place.join('.')
      throw new InvalidSite(`${login}.privateKeyFile names a file, and stands in place of ${login}.privateKey.`)
    }
    return { ...rest, privateKey: await readText(resolve(folder, privateKeyFile), 'private key') }
  }
  return keyed(site, place)
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
