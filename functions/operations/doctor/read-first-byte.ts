import { GuestliftError, RouteUnreachable } from '../../contracts/errors.ts'
import type { SiteFileLocation } from '../../contracts/nouns.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Route } from '../../readers/reader.ts'
import type { Ports } from '../ports.ts'
import { withinTime } from '../run/time-limit.ts'

const READ_MILLISECONDS = 4_000

/**
 * Read the first byte of the newest archive on a node's storage, if there is one: a folder may be open and its files
 * closed. False where there is nothing to read, or nobody knows where it lies.
 * @throws the route's refusals
 */
export async function readFirstByte(
  { node, storage }: { node: string; storage: string },
  route: Route,
  { archivesOnPlatform }: Pick<Provider, 'archivesOnPlatform'>,
  ports: Pick<Ports, 'now' | 'sleep' | 'timer'>,
): Promise<boolean> {
  // A node that sends by itself has no reader of its own.
  if (archivesOnPlatform?.locate === undefined || route.openPusher !== undefined) return false
  const late = () =>
    new RouteUnreachable(`Node ${node}: no byte of an archive came within ${READ_MILLISECONDS / 1000} s.`)
  return withinTime({ milliseconds: READ_MILLISECONDS, mayPass: () => false, late }, ports, async () => {
    const location = await newestAt({ node, storage }, archivesOnPlatform)
    if (location === undefined) return false
    const reader = await route.open(location)
    try {
      if (reader.opened.sizeBytes > 0) await reader.read(0, Buffer.alloc(1))
      return true
    } finally {
      await reader.close()
    }
  })
}

/** What can't be listed is no word of the route. */
async function newestAt(
  place: { node: string; storage: string },
  archives: NonNullable<Provider['archivesOnPlatform']>,
): Promise<SiteFileLocation | undefined> {
  try {
    const [newest] = (await archives.list(place)).archives
    return newest === undefined ? undefined : await archives.locate?.(newest.artifactRef, place.node)
  } catch (error) {
    if (error instanceof GuestliftError) return undefined
    throw error
  }
}
