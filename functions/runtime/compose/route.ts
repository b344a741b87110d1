import type { RouteConfig } from '../../contracts/route.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Route } from '../../readers/reader.ts'
import type { Invocation } from '../define-handler.ts'
import { readSiteConfig } from './secrets.ts'
import { bytesOf } from './site-bytes.ts'

/** Imported on demand: in the bundle, a module is evaluated on its first use, and a site uses one route. */
async function openRoute(site: string, route: RouteConfig): Promise<Route> {
  switch (route.type) {
    case 'sftp': {
      const { openSftpRoute } = await import('../../readers/sftp/sftp.ts')
      return openSftpRoute(site, route)
    }
    case 'https': {
      const { openHttpsRoute } = await import('../../readers/https/https.ts')
      return openHttpsRoute(site, route)
    }
    case 'push': {
      const { openPushRoute } = await import('../../readers/push/push.ts')
      return openPushRoute(site, route)
    }
  }
}

/** What opens the sources of a site, as its configuration says. @throws InvalidSite */
export async function routeIn(site: string, config: unknown): Promise<Route> {
  const bytes = bytesOf(site, config)
  if (bytes.by === 'route') return openRoute(site, bytes.route)
  if (bytes.by === 'datastore') {
    const { openDatastoreRoute } = await import('../../readers/datastore/datastore.ts')
    return openDatastoreRoute(site, bytes.access)
  }
  if (bytes.by === 'page-blob') {
    const { openPageBlobRoute } = await import('../../readers/page-blob/page-blob.ts')
    return openPageBlobRoute(site, bytes.access)
  }
  const { openEbsRoute } = await import('../../readers/ebs/ebs.ts')
  return openEbsRoute(site, bytes.access)
}

export function withRoute(_invocation: Invocation): Pick<Ports, 'route'> {
  return { route: async (site) => routeIn(site, await readSiteConfig(site)) }
}
