import type { ConfigurationPart } from '../../contracts/site-configuration.ts'

/** A platform that says, through its API, how a site is set up beside its guests. */
export interface SiteConfigurations {
  /**
   * All parts, always the same ones for a version of the platform. What this account may not see, or what an endpoint
   * refuses, makes a part incomplete with the reason: an empty list is never taken for "there are none" where the platform
   * filters it in silence. Values that change by themselves (load, times of next starts) are left out; secrets may be in it.
   */
  read(): Promise<ConfigurationPart[]>
}
