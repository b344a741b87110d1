import * as z from 'zod'
import { InvalidSite } from '../../contracts/errors.ts'
import { siteLimitsSchema } from '../../contracts/limits.ts'
import { capped } from '../../domain/transfer/transfer-limits.ts'
import { validationMessage } from '../../domain/words/validation-message.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Invocation } from '../define-handler.ts'
import { readRestoreSiteConfig, readSiteConfig } from './secrets.ts'
import { mostMibPerSecond } from './site-bytes.ts'

/** Only this part of a site, so that no provider comes along. */
const siteWithLimits = z.object({ limits: siteLimitsSchema.prefault({}) })

export function withSiteLimits(_invocation: Invocation): Pick<Ports, 'siteLimits'> {
  return limitsIn(readSiteConfig)
}

/** The same limits, from the secret that restores may read. */
export function withRestoreLimits(_invocation: Invocation): Pick<Ports, 'siteLimits'> {
  return limitsIn(readRestoreSiteConfig)
}

function limitsIn(read: (site: string) => Promise<unknown>): Pick<Ports, 'siteLimits'> {
  return {
    siteLimits: async (site) => {
      const config = await read(site)
      const parsed = siteWithLimits.safeParse(config)
      if (!parsed.success) {
        throw new InvalidSite(`The limits of site ${site} are malformed: ${validationMessage(parsed.error)}.`)
      }
      return capped(parsed.data.limits, mostMibPerSecond(site, config))
    },
  }
}
