import type { RouteConfig } from '../../functions/contracts/route.ts'
import type { Route } from '../../functions/readers/reader.ts'

/** Routes that are built; the benchmark says of the others that they aren't. */
export const builtRoutes: readonly RouteConfig['type'][] = ['sftp', 'https', 'push']

/** As `runtime/compose/route.ts` opens them: imported on demand, so that a process carries the code of one route. */
export async function openRoute(site: string, route: RouteConfig): Promise<Route> {
  switch (route.type) {
    case 'sftp': {
      const { openSftpRoute } = await import('../../functions/readers/sftp/sftp.ts')
      return openSftpRoute(site, route)
    }
    case 'https': {
      const { openHttpsRoute } = await import('../../functions/readers/https/https.ts')
      return openHttpsRoute(site, route)
    }
    case 'push': {
      const { openPushRoute } = await import('../../functions/readers/push/push.ts')
      return openPushRoute(site, route)
    }
  }
}
