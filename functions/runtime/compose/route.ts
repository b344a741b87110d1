import * as z from 'zod'
import { InvalidSite } from '../../contracts/errors.ts'
import { type RouteConfig, routeSchema } from '../../contracts/route.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Route } from '../../readers/reader.ts'
import type { Invocation } from '../define-handler.ts'
import { readSiteConfig } from './secrets.ts'

/** Only the part of a site that this needs, so that functions which move bytes carry no provider with them. */
const siteWithRoute = z.object({ route: routeSchema })

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

/** The route that a site's configuration names. @throws InvalidSite */
export async function routeIn(site: string, config: unknown): Promise<Route> {
  const parsed = siteWithRoute.safeParse(config)
  if (!parsed.success) {
    throw new InvalidSite(`The route of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
  }
  return openRoute(site, parsed.data.route)
}

export function withRoute(_invocation: Invocation): Pick<Ports, 'route'> {
  return { route: async (site) => routeIn(site, await readSiteConfig(site)) }
}
