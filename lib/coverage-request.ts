import { type CoverageRequest, coverageRequestSchema, coverageRulesSchema } from '../functions/contracts/coverage.ts'
import { longestGapHours } from './schedule-interval.ts'
import type { Deployment } from './deployment-config.ts'

/** What a check of a site is started with: the deployment's rules, and the schedules that archive the site. */
export function coverageRequest(deployment: Deployment, site: string): CoverageRequest {
  const rules = coverageRulesSchema.strip().parse(deployment.coverage)
  const schedules = deployment.schedules
    .filter(({ enabled, job }) => enabled && job.site === site)
    .map(({ name, job, expression }) => {
      const everyHours = longestGapHours(expression)
      return { name, guests: job.guests, ...(everyHours === undefined ? {} : { everyHours }) }
    })
  return coverageRequestSchema.parse({ site, rules, schedules })
}
