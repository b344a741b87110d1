/** Who guests are, from their own configurations: no list of the platform tells. */
import { GuestliftError } from '../../contracts/errors.ts'
import type { Guest, GuestIdentity } from '../../contracts/nouns.ts'
import { identityOf } from '../../domain/identity/embedded-identity.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { type GuestConfig, guestConfigSchema } from './guest-schemas.ts'

/** Configurations that are read at the same time. */
const AT_ONCE = 8
/** Notes of their own; what goes beyond is counted. */
const MOST_NOTES = 5

type Place = Pick<Guest, 'id' | 'kind' | 'node'>

/** As it holds now: without `current`, changes that wait for the guest's next start are shown as if they held already. */
export async function readConfiguration(client: ApiClient, { id, kind, node }: Place): Promise<GuestConfig> {
  const about = client.about("read the guest's configuration", { node, guest: id })
  const path = apiPath`/nodes/${node}/${kind === 'vm' ? 'qemu' : 'lxc'}/${id}/config` + apiQuery({ current: 1 })
  return (await client.get(path, guestConfigSchema, about)).data
}

export interface Identities {
  /** By id; guests without one, or whose configuration can't be read, aren't in it. */
  byId: ReadonlyMap<string, GuestIdentity>
  /** What couldn't be read, a sentence each. */
  notes: string[]
}

/**
 * Read who these guests are. One that can't be read fails nothing: who it is stays unknown. A node that doesn't answer is
 * asked for one round of guests and no more.
 */
export async function readIdentities(
  client: ApiClient,
  guests: readonly (Place & { nodeOffline: boolean })[],
): Promise<Identities> {
  const byId = new Map<string, GuestIdentity>()
  const silent = new Set<string>()
  const problems: string[] = []

  async function read(guest: Place): Promise<void> {
    try {
      const identity = identityOf(guest.kind, await readConfiguration(client, guest))
      if (identity !== undefined) byId.set(guest.id, identity)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      if (error.group === 'retry') silent.add(guest.node)
      problems.push(`Whether guest ${guest.id} is the one it was isn't known: ${error.message}`)
    }
  }

  const readable = guests.filter(({ nodeOffline }) => !nodeOffline)
  let unasked = 0
  for (let start = 0; start < readable.length; start += AT_ONCE) {
    const turn = readable.slice(start, start + AT_ONCE)
    const asked = turn.filter(({ node }) => !silent.has(node))
    unasked += turn.length - asked.length
    await Promise.all(asked.map(read))
  }
  const more = Math.max(0, problems.length - MOST_NOTES) + unasked
  return {
    byId,
    notes: [
      ...problems.slice(0, MOST_NOTES),
      ...(more === 0 ? [] : [`The same is so for ${more} more ${more === 1 ? 'guest' : 'guests'}.`]),
    ],
  }
}
