import { z } from 'zod'
import { InvalidSite } from '../../contracts/errors.ts'
import { routeSchema } from '../../contracts/route.ts'
import { validationMessage } from '../../domain/validation-message.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Route } from '../../readers/reader.ts'
import { openSftpRoute } from '../../readers/sftp.ts'
import type { Invocation } from '../define-handler.ts'
import { readSiteConfig } from './secrets.ts'

/** Only the part of a site that this needs, so that functions which move bytes carry no provider with them. */
const siteWithRoute = z.object({ route: routeSchema })

export function withRoute(_invocation: Invocation): Pick<Ports, 'route'> {
  return {
    route: async (site): Promise<Route> => {
      const parsed = siteWithRoute.safeParse(await readSiteConfig(site))
      if (!parsed.success) {
        throw new InvalidSite(`The route of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
      }
      return openSftpRoute(site, parsed.data.route)
    },
  }
}
