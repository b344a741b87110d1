import { InvalidSite } from '../../contracts/errors.ts'
import { siteEnv } from '../../contracts/tasks.ts'
import { validationMessage } from '../../domain/validation-message.ts'
import type { Ports } from '../../operations/ports.ts'
import type { Provider } from '../../providers/provider.ts'
import { openProvider, siteSchema } from '../../providers/registry.ts'
import type { Invocation } from '../define-handler.ts'
import { readEnv } from '../env.ts'
import { withBase } from './base.ts'
import { readSiteConfig } from './secrets.ts'

/** Providers live for one call. Only the ticket of an account with a second factor outlives it, in memory: a code works once. */
export function withProvider(invocation: Invocation): Pick<Ports, 'provider' | 'defaultSite'> {
  const opened = new Map<string, Promise<Provider>>()
  const provider = (site: string): Promise<Provider> => {
    const found = opened.get(site) ?? open(site)
    opened.set(site, found)
    return found
  }
  const open = async (site: string): Promise<Provider> => {
    const parsed = siteSchema.safeParse(await readSiteConfig(site))
    if (!parsed.success) {
      throw new InvalidSite(`The configuration of site ${site} is malformed: ${validationMessage(parsed.error)}.`)
    }
    const itsProvider = openProvider(site, parsed.data, withBase(invocation))
    invocation.onEnd(() => itsProvider.close())
    return itsProvider
  }
  return { provider, defaultSite: readEnv(siteEnv).DEFAULT_SITE }
}
