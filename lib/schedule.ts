import { Duration, TimeZone, Validations } from 'aws-cdk-lib'
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

interface SchedulesProps {
  deployment: Deployment
  run: Workflow
  sweep: Workflow
}

/** Has a dot, which names of configured schedules can't have. */
const SWEEP_NAME = 'sweep.uploads'

/**
 * The configured schedules, and the sweep's. One may fire twice: Authenticate claims the slot named by `schedule` in its
 * input; two sweeps at once only find that the other was faster.
 */
export class Schedules extends Construct {
  /** Firings that never became an execution. */
  readonly missed: Queue

  constructor(scope: Construct, id: string, { deployment, run, sweep }: SchedulesProps) {
    super(scope, id)
    this.missed = deadLetters(this, 'Missed', 'The queue is itself where undelivered firings end.')
    const scheduleGroup = new ScheduleGroup(this, 'Group', { scheduleGroupName: `guestlift-${deployment.name}` })
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
    new Schedule(this, SWEEP_NAME, {
      scheduleName: SWEEP_NAME,
      description: 'Guestlift: drop uploads that nobody goes on with',
      scheduleGroup,
      schedule: ScheduleExpression.expression(deployment.sweep.expression, TimeZone.ETC_UTC),
      enabled: deployment.sweep.enabled,
      target: new StepFunctionsStartExecution(sweep.machine, {
        input: ScheduleTargetInput.fromObject({ dryRun: false }),
        deadLetterQueue: this.missed,
      }),
    })
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
