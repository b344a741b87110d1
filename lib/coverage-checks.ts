import { Duration } from 'aws-cdk-lib'
import { longestGapHours } from './schedule-interval.ts'
import { coverageRequest } from './coverage-request.ts'
import type { Deployment } from './deployment-config.ts'
import type { PlannedStart } from './schedule.ts'
import type { Workflow } from './workflow.ts'

/** A check of the coverage of each of these sites. */
export function coverageChecks(deployment: Deployment, sites: readonly string[], workflow: Workflow): PlannedStart[] {
  const { expression, enabled } = deployment.coverage
  return sites.map((site) => ({
    name: `coverage.${site}`,
    description: `judge how the guests of site ${site} are covered`,
    expression,
    timezone: 'Etc/UTC',
    enabled,
    workflow,
    input: { ...coverageRequest(deployment, site) },
  }))
}

/** The longest time between two checks, as CloudWatch takes it: whole minutes, and whole hours above one. */
export function checkPeriod({ coverage }: Deployment): Duration {
  const hours = longestGapHours(coverage.expression) ?? 24
  return hours < 1 ? Duration.minutes(Math.ceil(hours * 60)) : Duration.hours(Math.ceil(hours))
}
