import { Duration, RemovalPolicy, TimeZone, Validations } from 'aws-cdk-lib'
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler'
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { describeSelection } from '../functions/domain/describe-selection.ts'
import type { Deployment } from './deployment-config.ts'
import type { Workflow } from './workflow.ts'

/** A workflow that looks after the bucket, and when. Two of the same at once only find that the other was faster. */
export interface UpkeepSchedule {
  /** Has a dot, which names of configured schedules can't have: `sweep.uploads`. */
  name: string
  description: string
  expression: string
  timezone: string
  enabled: boolean
  workflow: Workflow
  input: Record<string, unknown>
}

interface SchedulesProps {
  deployment: Deployment
  run: Workflow
  upkeep: readonly UpkeepSchedule[]
}

/**
 * The configured schedules of runs, and those of what looks after the bucket. One may fire twice: Authenticate claims the
 * slot named by `schedule` in its input.
 */
export class Schedules extends Construct {
  /** Firings that never became an execution. */
  readonly missed: Queue

  constructor(scope: Construct, id: string, { deployment, run, upkeep }: SchedulesProps) {
    super(scope, id)
    this.missed = deadLetters(this, 'Missed', 'The queue is itself where undelivered firings end.')
    const scheduleGroup = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: `guestlift-${deployment.name}`,
      // CDK would keep it, and its name would stop the next deployment.
      removalPolicy: RemovalPolicy.DESTROY,
    })
    for (const { name, expression, timezone, job, enabled } of deployment.schedules) {
      new Schedule(this, name, {
        scheduleName: name,
        description: `Guestlift: ${describeSelection(job.guests)}, site ${job.site}`.slice(0, 512),
        scheduleGroup,
        schedule: ScheduleExpression.expression(expression, TimeZone.of(timezone)),
        enabled,
        target: new StepFunctionsStartExecution(run.machine, {
          input: ScheduleTargetInput.fromObject({
            ...job,
            schedule: { name, scheduledAt: ContextAttribute.scheduledTime },
          }),
          deadLetterQueue: this.missed,
        }),
      })
    }
    for (const { name, description, expression, timezone, enabled, workflow, input } of upkeep) {
      new Schedule(this, name, {
        scheduleName: name,
        description: `Guestlift: ${description}`.slice(0, 512),
        scheduleGroup,
        schedule: ScheduleExpression.expression(expression, TimeZone.of(timezone)),
        enabled,
        target: new StepFunctionsStartExecution(workflow.machine, {
          input: ScheduleTargetInput.fromObject(input),
          deadLetterQueue: this.missed,
        }),
      })
    }
  }
}

/** A queue for what couldn't be delivered, kept as long as SQS allows. */
export function deadLetters(scope: Construct, id: string, reason: string): Queue {
  // Keys of SQS itself: EventBridge and Scheduler can write to it without a key policy.
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason })
  return queue
}
