/** Platform name → factory: the only file that names platforms. A new platform is one more line in each part. */
import * as z from 'zod'
import { InvalidSite } from '../contracts/errors.ts'
import type { Route } from '../contracts/route.ts'
import type { Provider } from './provider.ts'
import type { ProviderDeps } from './provider-deps.ts'
import { proxmoxSiteSchema } from './proxmox/config.ts'
import { openProxmox } from './proxmox/provider.ts'

/** A site as a person writes it: a file for local runs, the secret's content when deployed. */
export const siteSchema = z.discriminatedUnion('provider', [proxmoxSiteSchema])
export type Site = z.infer<typeof siteSchema>

const factories = {
  proxmox: openProxmox,
} satisfies {
  [Name in Site['provider']]: (siteName: string, site: Site & { provider: Name }, deps: ProviderDeps) => Provider
}

/**
 * The provider for a site. Nothing is sent before its first method is called.
 * @throws InvalidSite where the configuration is well-formed and still unusable (an authority that is no certificate, the
 * name of another site)
 */
export function openProvider(siteName: string, site: Site, deps: ProviderDeps): Provider {
  if (site.name !== undefined && site.name !== siteName) {
    throw new InvalidSite(
      `The configuration of site ${siteName} says "name": "${site.name}". Archives would be looked for under the wrong ` +
        'site: use that name, or change it in the configuration.',
    )
  }
  return factories[site.provider](siteName, site, deps)
}

/** How the site's bytes leave it. */
export function routeOf(site: Site): Route {
  return site.route
}
