import type { Route as RouteConfig } from '../../functions/contracts/route.ts'
import type { Route } from '../../functions/readers/reader.ts'
import { openSftpRoute } from '../../functions/readers/sftp.ts'

/** Routes that are built; the benchmark says of the others that they aren't. */
export const builtRoutes: readonly RouteConfig['type'][] = ['sftp']

export function openRoute(site: string, route: RouteConfig): Route {
  switch (route.type) {
    case 'sftp':
      return openSftpRoute(site, route)
    case 'https':
    case 'push':
      throw new Error(`the route ${route.type} isn't built`)
  }
}
