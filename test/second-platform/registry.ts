/** Stands in for the product's registry: a version of Guestlift that knows the island alone. */
import { InvalidJob } from '../../functions/contracts/errors.ts'
import { writtenJob, type WrittenJobs } from '../../functions/contracts/job.ts'
import type { JudgeJob } from '../../functions/domain/backup/verdict.ts'
import type { Provider } from '../../functions/providers/provider.ts'
import type { PlatformTraits } from '../../functions/providers/traits.ts'
import {
  islandOptionsSchema,
  type IslandSite,
  islandSiteSchema,
  islandTraits,
  judgeIslandJob,
  openIsland,
} from './island-provider.ts'

export const siteSchema = islandSiteSchema
export const writtenJobs: WrittenJobs = {
  schema: writtenJob({ blocks: { island: islandOptionsSchema }, beside: '' }),
  olderShapes: [],
}

export async function openProvider(siteName: string, site: IslandSite): Promise<Provider> {
  return openIsland(siteName, site)
}

export function traitsOf(platform: string): PlatformTraits {
  if (platform === 'island') return islandTraits
  throw new InvalidJob(`Platform ${platform} isn't known to this version.`)
}

export async function judgeJobOf(): Promise<JudgeJob> {
  return judgeIslandJob
}
