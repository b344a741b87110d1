/** Which platforms there are: the only file that names them. Each one's code is loaded when a site of it is opened. */
import * as z from 'zod'
import { InvalidSite } from '../contracts/errors.ts'
import type { Route } from '../contracts/route.ts'
import type { Provider } from './provider.ts'
import type { ProviderDeps } from './provider-deps.ts'
import { proxmoxSiteSchema } from './proxmox/config.ts'

/** A site as a person writes it: a file for local runs, the secret's content when deployed. */
export const siteSchema = z.discriminatedUnion('provider', [proxmoxSiteSchema])
export type Site = z.infer<typeof siteSchema>

type OpenSite<Name> = (siteName: string, site: Site & { provider: Name }, deps: ProviderDeps) => Provider

/** A new platform is one more line here, and one more schema above. */
const platforms: { [Name in Site['provider']]: () => Promise<OpenSite<Name>> } = {
  proxmox: async () => (await import('./proxmox/provider.ts')).openProxmox,
}

/**
 * The provider for a site. Nothing is sent before its first method is called.
 * @throws InvalidSite where the configuration is well-formed and still unusable (an authority that is no certificate, the
 * name of another site)
 */
export async function openProvider(siteName: string, site: Site, deps: ProviderDeps): Promise<Provider> {
  if (site.name !== undefined && site.name !== siteName) {
    throw new InvalidSite(
      `The configuration of site ${siteName} says "name": "${site.name}". Archives would be looked for under the wrong ` +
        'site: use that name, or change it in the configuration.',
    )
  }
  const open = await platforms[site.provider]()
  return open(siteName, site, deps)
}

/** How the site's bytes leave it. */
export function routeOf(site: Site): Route {
  return site.route
}
