import { UnknownSite } from '../../contracts/errors.ts'
import { archivesPrefix, catalogueIndexesPrefix, siteBooksPrefix } from '../../domain/books/object-keys.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix'>

/** How many sites a sentence names. */
const NAMED = 10

/** The sites that a bucket knows, by name: those with archives, with copies of manifests, or with a book. */
export async function knownSites({ store, keyPrefix }: Needs): Promise<string[]> {
  const books = siteBooksPrefix(keyPrefix)
  const below = async (prefix: string) =>
    (await store.listFolders(prefix)).map((folder) => folder.slice(prefix.length, -1))
  const names = [
    ...(await below(archivesPrefix(keyPrefix))),
    ...(await below(catalogueIndexesPrefix(keyPrefix))),
    ...(await store.listKeys(books)).flatMap((key) => (key.endsWith('.json') ? [key.slice(books.length, -5)] : [])),
  ]
  return [...new Set(names)].sort()
}

/**
 * A name that is misspelt finds nothing, and nothing found must not pass for nothing to do.
 * @throws UnknownSite naming the sites that the bucket knows
 */
export async function requireKnownSite(site: string, ports: Needs): Promise<void> {
  const known = await knownSites(ports)
  if (!known.includes(site)) throw new UnknownSite(`${nothingOf(site, ports)} ${knownWords(known)}`)
}

/** A sentence where the bucket holds other sites and nothing of this one: the first archive of a site, or a wrong name. */
export async function strangeSite(site: string, ports: Needs): Promise<string | undefined> {
  const known = await knownSites(ports)
  if (known.length === 0 || known.includes(site)) return undefined
  return `${nothingOf(site, ports)} ${knownWords(known)}`
}

function nothingOf(site: string, { store, keyPrefix }: Needs): string {
  return `s3://${store.bucket}/${keyPrefix} holds nothing of a site ${site}.`
}

function knownWords(known: readonly string[]): string {
  if (known.length === 0) return 'It holds nothing of any site: check the name of the bucket, and --prefix.'
  const further = known.length > NAMED ? ` and ${known.length - NAMED} more` : ''
  return `It knows: ${known.slice(0, NAMED).join(', ')}${further}.`
}
