/** How what grows with the sites is divided between the export stack and stacks nested in it. Pure. */
import type { Deployment } from './deployment-config.ts'

/** Resources of sites in the export stack, beside some 290 of its own: CloudFormation takes 500 in a template. */
const IN_EXPORT_STACK = 180
/** In each nested stack, beside its group of schedules and the roles that start workflows. */
const IN_NESTED_STACK = 400

type Sizes = Pick<
  Deployment,
  'sites' | 'schedules' | 'retention' | 'drills' | 'coverage' | 'alarmAfterHoursWithoutSuccess'
>

/**
 * The sites in their order: first those of the export stack, then those of each nested one. A site that is added at the
 * end moves no other. One that moves gets its schedules anew, in another group, so that no name is in the way.
 */
export function shareSites(deployment: Sizes): [first: string[], ...further: string[][]] {
  const shares: [string[], ...string[][]] = [[]]
  let room = IN_EXPORT_STACK
  for (const site of deployment.sites) {
    const resources = resourcesOf(site, deployment)
    if (resources > room) {
      shares.push([])
      room = IN_NESTED_STACK
    }
    shares.at(-1)?.push(site)
    room -= resources
  }
  return shares
}

function resourcesOf(site: string, deployment: Sizes): number {
  const { schedules, retention, drills, coverage, alarmAfterHoursWithoutSuccess } = deployment
  const runs = schedules.filter(({ job }) => job.site === site).length
  const prunings = retention.filter((each) => each.site === site).length
  const rehearsals = drills.filter(({ request }) => request.site === site).length
  const alarms = (coverage.enabled ? 1 : 0) + (alarmAfterHoursWithoutSuccess === undefined ? 0 : 1)
  return runs + prunings + rehearsals + 1 + alarms
}
