import { AUTO_STORAGE } from '../../contracts/backup-options.ts'
import { GuestliftError, RouteUnreachable } from '../../contracts/errors.ts'
import { storeTestKey } from '../../domain/books/object-keys.ts'
import { sentence } from '../../domain/words/sentence.ts'
import type { Provider } from '../../providers/provider.ts'
import type { CheckedPlace, Route } from '../../readers/reader.ts'
import { turnstile } from '../books/ordered-lookahead.ts'
import type { Ports } from '../ports.ts'
import { withinTime } from './time-limit.ts'

type Needs = Pick<Ports, 'now' | 'sleep' | 'timer' | 'log'> & Partial<Pick<Ports, 'store' | 'keyPrefix'>>

/** With the nine seconds of the test of the store, a run knows within fifteen whether its bytes have a way. */
const TEST_MILLISECONDS = 6_000
/** Logins at the same time. A site with more nodes has its later ones tested as the first are done. */
const TESTED_AT_ONCE = 16

/** Which nodes, and where their archives are to land. */
export interface RouteTest {
  site: string
  nodes: readonly string[]
  /** The job's storage. */
  storage: string
}

/**
 * Is there a way to the files of each node? Found out before anything is dumped, within six seconds: each end of the
 * route is asked once, whatever number of nodes share it, and again while nobody answers. Returns the nodes that can't be
 * reached and why: the route's own refusal (host key, login, certificate, folder), or `RouteUnreachable`. A node that
 * wasn't asked, since the time was over before its turn, isn't among them.
 * @throws InvalidSite
 */
export async function testRoutes(
  { site, nodes, storage }: RouteTest,
  route: Route,
  provider: Pick<Provider, 'storages'>,
  ports: Needs,
): Promise<Map<string, GuestliftError>> {
  const until = ports.now().getTime() + TEST_MILLISECONDS
  const place = await placeToCheck(storage, route, provider, ports)
  const ends = Map.groupBy(nodes, (node) => route.endOf(node))
  const refusals = new Map<string, GuestliftError>()
  const oneOfFew = turnstile(TESTED_AT_ONCE)
  const testEnd = async (sharing: readonly [string, ...string[]]): Promise<void> => {
    const [node] = sharing
    const milliseconds = until - ports.now().getTime()
    if (milliseconds <= 0) {
      ports.log('route-not-tested', { site, nodes: sharing })
      return
    }
    const late = (last: unknown): RouteUnreachable => unreachable(site, sharing, last)
    const check = () => route.check(node, { ...place, withinMilliseconds: milliseconds })
    try {
      await withinTime({ milliseconds, mayPass, late }, ports, check)
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      ports.log('route-refused', { site, nodes: sharing, error: error.name, message: error.message })
      for (const each of sharing) refusals.set(each, error)
    }
  }
  await Promise.all([...ends.values()].map((sharing) => oneOfFew(() => testEnd(sharing as [string, ...string[]]))))
  return refusals
}

function mayPass(error: unknown): boolean {
  return error instanceof GuestliftError && error.group === 'retry'
}

function unreachable(site: string, nodes: readonly string[], last: unknown): RouteUnreachable {
  const why = last instanceof Error ? last.message : 'it did not answer.'
  const which = nodes.length > 3 ? `${nodes.slice(0, 3).join(', ')} and ${nodes.length - 3} more` : nodes.join(', ')
  return new RouteUnreachable(
    `Site ${site}, node ${which}: the route can't be used, tried for ${TEST_MILLISECONDS / 1000} seconds: ${sentence(why)} ` +
      'Nothing was dumped there.',
    { cause: last },
  )
}

/** Where archives will land, as far as the platform tells; and a URL of the store, where the node sends to it itself. */
async function placeToCheck(
  storage: string,
  route: Route,
  provider: Pick<Provider, 'storages'>,
  { store, keyPrefix = '', log }: Needs,
): Promise<CheckedPlace> {
  const place: CheckedPlace = {}
  if (storage !== AUTO_STORAGE) {
    place.storage = storage
    try {
      const folder = await provider.storages?.folderOf(storage)
      if (folder !== undefined) place.folder = folder
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      log('backup-folder-unknown', { storage, error: error.name, message: error.message })
    }
  }
  if (route.openPusher !== undefined && store !== undefined) {
    // It is never sent: only where it leads to counts.
    const empty = { sizeBytes: 0, crc32: 0, md5: '1B2M2Y8AsgTpgAmY7PhCfg==' }
    place.storeUrl = (await store.presignPart(storeTestKey(keyPrefix, 'url'), 'none', 1, empty)).url
  }
  return place
}
