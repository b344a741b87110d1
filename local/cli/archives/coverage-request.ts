/** What a check of coverage goes by: a deployment's own rules, or one job. */
import { basename } from 'node:path'
import type { CoverageRequest, CoverageSchedule } from '../../../functions/contracts/coverage.ts'
import { coverageRequest } from '../../../lib/coverage-request.ts'
import { UsageError } from '../../run/cli-error.ts'
import { readJobFile, requestIn } from '../run/job-file.ts'
import { deploymentNamed } from '../site/site-provider.ts'

/** As the deployment's own schedule starts the check. @throws UsageError when it can't be told which site is meant */
export async function coverageRequestOf(name: string, site: string | undefined): Promise<CoverageRequest> {
  const deployment = await deploymentNamed(name)
  const wanted = site ?? (deployment.sites.length === 1 ? deployment.sites[0] : undefined)
  if (wanted === undefined || !deployment.sites.includes(wanted)) {
    const which = site === undefined ? 'several sites' : `no site ${site}`
    throw new UsageError(`Deployment ${name} has ${which}: name one of ${deployment.sites.join(', ')} with --site.`)
  }
  return coverageRequest(deployment, wanted)
}

/** A job as if it were started by a schedule with that interval, and the site that it names. @throws UsageError, InvalidJob */
export async function guestsOfJob(
  path: string,
  everyMilliseconds: number,
): Promise<{ schedule: CoverageSchedule; site: string | undefined }> {
  const document = await readJobFile(path)
  // A job of the older shape may name no site: then the site's file says whose guests they are.
  const { job } = requestIn(document, 'site')
  const { site } = document.value as { site?: string }
  const schedule = { name: basename(path), guests: job.guests, everyHours: everyMilliseconds / 3_600_000 }
  return { schedule, site }
}
