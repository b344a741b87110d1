import { NestedStack } from 'aws-cdk-lib'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { Schedules, type PlannedStart } from './schedule.ts'
import { siteAlarms } from './site-alarms.ts'

interface FurtherSitesProps {
  deployment: Deployment
  sites: readonly string[]
  groupName: string
  starts: readonly PlannedStart[]
  missed: Queue
  topic: ITopic
}

/** Schedules and alarms of sites that the export stack has no room for. It is deployed with that stack, as a part of it. */
export class FurtherSites extends NestedStack {
  constructor(scope: Construct, id: string, props: FurtherSitesProps) {
    super(scope, id, { description: `Guestlift ${props.deployment.name}: schedules and alarms of further sites` })
    const { groupName, starts, missed } = props
    new Schedules(this, 'Schedules', { groupName, starts, missed })
    siteAlarms(this, props)
  }
}
