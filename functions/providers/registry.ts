/** Which platforms there are: the only file that names them. Each one's code is loaded when a site of it is opened. */
import * as z from 'zod'
import { InvalidJob, InvalidSite } from '../contracts/errors.ts'
import { writtenJob, type WrittenJobs } from '../contracts/job.ts'
import type { JudgeJob } from '../domain/backup/verdict.ts'
import type { Provider } from './provider.ts'
import type { ProviderDeps } from './provider-deps.ts'
import { azureSiteSchema } from './azure/config.ts'
import { azureOptionsSchema } from './azure/options.ts'
import { azureTraits } from './azure/traits.ts'
import { ec2SiteSchema } from './ec2/config.ts'
import { ec2OptionsSchema } from './ec2/options.ts'
import { ec2Traits } from './ec2/traits.ts'
import { proxmoxSiteSchema } from './proxmox/config.ts'
import { olderProxmoxJob } from './proxmox/older-job.ts'
import { proxmoxOptionsSchema } from './proxmox/options.ts'
import { proxmoxTraits } from './proxmox/traits.ts'
import { vsphereSiteSchema } from './vsphere/config.ts'
import { vsphereOptionsSchema } from './vsphere/options.ts'
import { vsphereTraits } from './vsphere/traits.ts'
import type { PlatformTraits } from './traits.ts'

/** A site as a person writes it: a file for local runs, the secret's content when deployed. */
export const siteSchema = z.discriminatedUnion('provider', [
  proxmoxSiteSchema,
  ec2SiteSchema,
  vsphereSiteSchema,
  azureSiteSchema,
])
export type Site = z.infer<typeof siteSchema>

/** A job as a person writes it, with a block of options for each platform. */
export const writtenJobSchema = writtenJob({
  blocks: {
    proxmox: proxmoxOptionsSchema,
    ec2: ec2OptionsSchema,
    vsphere: vsphereOptionsSchema,
    azure: azureOptionsSchema,
  },
  beside: 'proxmox',
})

/** All that reads jobs. */
export const writtenJobs: WrittenJobs = { schema: writtenJobSchema, olderShapes: [olderProxmoxJob] }

interface PlatformEntry<Name> {
  traits: PlatformTraits
  load: () => Promise<{
    open: (siteName: string, site: Site & { provider: Name }, deps: ProviderDeps) => Provider
    judgeJob: JudgeJob
  }>
}

/** A new platform is one more entry here, and one more in each of the schemas above. */
const platforms: { [Name in Site['provider']]: PlatformEntry<Name> } = {
  proxmox: {
    traits: proxmoxTraits,
    load: async () => {
      const [{ openProxmox }, { judgeJob }] = await Promise.all([
        import('./proxmox/provider.ts'),
        import('./proxmox/judge-job.ts'),
      ])
      return { open: openProxmox, judgeJob }
    },
  },
  ec2: {
    traits: ec2Traits,
    load: async () => {
      const [{ openEc2 }, { judgeJob }] = await Promise.all([import('./ec2/provider.ts'), import('./ec2/judge-job.ts')])
      return { open: openEc2, judgeJob }
    },
  },
  vsphere: {
    traits: vsphereTraits,
    load: async () => {
      const [{ openVsphere }, { judgeJob }] = await Promise.all([
        import('./vsphere/provider.ts'),
        import('./vsphere/judge-job.ts'),
      ])
      return { open: openVsphere, judgeJob }
    },
  },
  azure: {
    traits: azureTraits,
    load: async () => {
      const [{ openAzure }, { judgeJob }] = await Promise.all([
        import('./azure/provider.ts'),
        import('./azure/judge-job.ts'),
      ])
      return { open: openAzure, judgeJob }
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

/** What a person does on each platform before the first login. */
const setUps = {
  proxmox: async () => (await import('./proxmox/set-up.ts')).proxmoxSetUp,
  ec2: async () => (await import('./ec2/set-up.ts')).ec2SetUp,
  vsphere: async () => (await import('./vsphere/set-up.ts')).vsphereSetUp,
  azure: async () => (await import('./azure/set-up.ts')).azureSetUp,
}
type SetUps = typeof setUps

/** What a person does on a platform before the first login. */
export function setUpOf<Name extends keyof SetUps>(platform: Name): ReturnType<SetUps[Name]> {
  return setUps[platform]() as ReturnType<SetUps[Name]>
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
  // The compiler doesn't see that an entry and a site of the same name fit.
  const entry = platforms[site.provider] as PlatformEntry<Site['provider']>
  const { open } = await entry.load()
  return open(siteName, site, deps)
}
