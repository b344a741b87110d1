import { RequestRejected } from '../../contracts/errors.ts'
import type { SiteConfigurations } from '../../providers/capabilities/site-configuration.ts'
import type { Provider } from '../../providers/provider.ts'

/** @throws RequestRejected on a platform that says nothing of how a site is set up */
export function requireConfiguration({ platform, configuration }: Provider): SiteConfigurations {
  if (configuration === undefined) {
    throw new RequestRejected(
      `The job asks for "siteConfiguration", and no site of platform ${platform} says through its API how it is set up. Take that field out of the job.`,
    )
  }
  return configuration
}
