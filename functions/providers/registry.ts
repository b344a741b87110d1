/** Which platforms there are: the only file that names them. Each one's code is loaded when a site of it is opened. */
import * as z from 'zod'
import { InvalidJob, InvalidSite } from '../contracts/errors.ts'
import { writtenJob, type WrittenJobs } from '../contracts/job.ts'
import type { RouteConfig } from '../contracts/route.ts'
import type { JudgeJob } from '../domain/backup/verdict.ts'
import type { Provider } from './provider.ts'
import type { ProviderDeps } from './provider-deps.ts'
import { proxmoxSiteSchema } from './proxmox/config.ts'
import { olderProxmoxJob } from './proxmox/older-job.ts'
import { proxmoxOptionsSchema } from './proxmox/options.ts'
import { proxmoxTraits } from './proxmox/traits.ts'
import type { SetUp } from './set-up.ts'
import type { PlatformTraits } from './traits.ts'

/** A site as a person writes it: a file for local runs, the secret's content when deployed. */
export const siteSchema = z.discriminatedUnion('provider', [proxmoxSiteSchema])
export type Site = z.infer<typeof siteSchema>

/** A job as a person writes it, with a block of options for each platform. */
export const writtenJobSchema = writtenJob({ blocks: { proxmox: proxmoxOptionsSchema }, beside: 'proxmox' })

/** All that reads jobs. */
export const writtenJobs: WrittenJobs = { schema: writtenJobSchema, olderShapes: [olderProxmoxJob] }

interface PlatformEntry<Name> {
  traits: PlatformTraits
  load: () => Promise<{
    open: (siteName: string, site: Site & { provider: Name }, deps: ProviderDeps) => Provider
    judgeJob: JudgeJob
    setUp: SetUp
  }>
}

/** A new platform is one more entry here, and one more in each of the schemas above. */
const platforms: { [Name in Site['provider']]: PlatformEntry<Name> } = {
  proxmox: {
    traits: proxmoxTraits,
    load: async () => {
      const [{ openProxmox }, { judgeJob }, { proxmoxSetUp }] = await Promise.all([
        import('./proxmox/provider.ts'),
        import('./proxmox/judge-job.ts'),
        import('./proxmox/set-up.ts'),
      ])
      return { open: openProxmox, judgeJob, setUp: proxmoxSetUp }
    },
  },
}

/** What each platform can do, by its name. */
export const platformTraits: Readonly<Record<string, PlatformTraits>> = Object.fromEntries(
  Object.entries(platforms).map(([name, { traits }]) => [name, traits]),
)

/** What a platform can do. @throws InvalidJob for one that nobody here knows */
export function traitsOf(platform: string): PlatformTraits {
  return known(platform).traits
}

/** How a platform judges its jobs, without logging in to a site. @throws InvalidJob for one that nobody here knows */
export async function judgeJobOf(platform: string): Promise<JudgeJob> {
  return (await known(platform).load()).judgeJob
}

/** What people do on a platform before the first login. @throws InvalidJob for one that nobody here knows */
export async function setUpOf(platform: string): Promise<SetUp> {
  return (await known(platform).load()).setUp
}

function known(platform: string): PlatformEntry<never> {
  const entry = Object.entries(platforms).find(([name]) => name === platform)?.[1]
  if (entry !== undefined) return entry
  throw new InvalidJob(
    `Platform ${platform} isn't known to this version. It knows ${Object.keys(platforms).join(', ')}; a newer version of Guestlift may know more.`,
  )
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
  const { open } = await platforms[site.provider].load()
  return open(siteName, site, deps)
}

/** How the site's bytes leave it. */
export function routeOf(site: Site): RouteConfig {
  return site.route
}
