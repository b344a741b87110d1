/** Where a storage can be asked: on any node when it is shared, else on each node that has it. */
import { GuestliftError, PrivilegeMissing, RequestRejected, StorageUnusable } from '../../contracts/errors.ts'
import type { ArchiveFilter, UnreadPlace } from '../capabilities/archives-on-platform.ts'
import type { ApiClient } from './client.ts'
import { seesAllStorages } from './privileges.ts'
import { nodeRowsSchema, permissionsSchema, storageRowsSchema } from './schemas.ts'

export type StoragePlace = { node: string; storage: string }

/** Nodes that show the same files: the next is asked when one doesn't answer. */
interface Place {
  storage: string
  nodes: string[]
}

/** What each place answered, which didn't, and why there may be places that nobody was asked about. */
export interface Asked<Result> {
  results: Result[]
  unread: UnreadPlace[]
  mayLack?: string
}

/**
 * Ask every place that the filter means. Places that don't answer are named in the result; when none answers, or the
 * storage or the node doesn't exist, that is an error.
 */
export async function atEachPlace<Result>(
  client: ApiClient,
  siteName: string,
  filter: ArchiveFilter,
  ask: (place: StoragePlace) => Promise<Result>,
): Promise<Asked<Result>> {
  const { places, mayLack } = await placesOf(client, siteName, filter)
  const results: Result[] = []
  const unread: UnreadPlace[] = []
  let first: GuestliftError | undefined
  for (const { storage, nodes } of places) {
    const problems: GuestliftError[] = []
    for (const node of nodes) {
      try {
        results.push(await ask({ node, storage }))
        problems.length = 0
        break
      } catch (error) {
        if (!(error instanceof GuestliftError)) throw error
        // Refused everywhere alike, but for a privilege, which is a storage's own.
        if (error.group === 'fail-run' && !(error instanceof PrivilegeMissing)) throw error
        problems.push(error)
      }
    }
    const [problem] = problems
    if (problem !== undefined) unread.push({ node: nodes.join(', '), storage, reason: problem.message })
    first ??= problem
  }
  if (results.length === 0 && first !== undefined) throw first
  return { results, unread, ...(mayLack === undefined ? {} : { mayLack }) }
}

async function placesOf(
  client: ApiClient,
  siteName: string,
  { storage, node }: ArchiveFilter,
): Promise<{ places: Place[]; mayLack?: string }> {
  // Said in full: nothing has to be looked up, and the platform says itself what is wrong with it.
  if (storage !== undefined && node !== undefined) return { places: [{ storage, nodes: [node] }] }
  const about = client.about('look for the storages', storage === undefined ? {} : { storage })
  const { data } = await client.get('/cluster/resources?type=storage', storageRowsSchema, about)
  const rows = data.filter(
    (row) => (storage === undefined || row.storage === storage) && (node === undefined || row.node === node),
  )
  if (storage !== undefined && rows.length === 0) {
    throw new StorageUnusable(
      `Site ${siteName}: there is no storage ${storage}, or ${about.account} lacks Datastore.Audit on /storage/${storage} and isn't shown it.`,
    )
  }
  if (node !== undefined && rows.length === 0) await requireNode(client, siteName, node)
  const places = new Map<string, Place>()
  for (const row of rows) {
    if (storage === undefined && !row.content.split(',').includes('backup')) continue
    const key = row.shared ? row.storage : `${row.storage} ${row.node}`
    const place = places.get(key) ?? { storage: row.storage, nodes: [] }
    place.nodes.push(row.node)
    places.set(key, place)
  }
  const mayLack = storage === undefined ? await whyStoragesMayLack(client, siteName) : undefined
  return { places: [...places.values()], ...(mayLack === undefined ? {} : { mayLack }) }
}

/** Nodes are shown to everybody, so one that isn't listed isn't there. */
async function requireNode(client: ApiClient, siteName: string, node: string): Promise<void> {
  const { data } = await client.get('/cluster/resources?type=node', nodeRowsSchema, client.about('look for the nodes'))
  if (data.some((row) => row.node === node)) return
  const names = data.map((row) => row.node).toSorted()
  throw new RequestRejected(`Site ${siteName} has no node ${node}. Its nodes: ${names.join(', ')}.`)
}

/** The list of storages leaves out, without a word, those that the account may not look at. */
async function whyStoragesMayLack(client: ApiClient, siteName: string): Promise<string | undefined> {
  const about = client.about('read its permissions')
  try {
    const { data: permissions } = await client.get('/access/permissions', permissionsSchema, about)
    if (seesAllStorages(permissions)) return undefined
  } catch (error) {
    // What was listed is worth showing, and may not be all.
    if (!(error instanceof GuestliftError)) throw error
    return `Whether all storages are shown isn't known. ${error.message}`
  }
  return (
    `Site ${siteName}: ${about.account} doesn't hold Datastore.Audit on /storage for all storages, so archives on storages ` +
    "that it isn't shown are missing. Grant Datastore.Audit on /storage, or name the storage that is meant."
  )
}
