import { Duration, RemovalPolicy, TimeZone, Validations } from 'aws-cdk-lib'
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
} from 'aws-cdk-lib/aws-scheduler'
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets'
import type { IRole } from 'aws-cdk-lib/aws-iam'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { describeSelection } from '../functions/domain/selection/describe-selection.ts'
import type { Deployment } from './deployment-config.ts'
import type { Workflow } from './workflow.ts'

/** What starts a workflow, and when. */
export interface PlannedStart {
  /** Names of what looks after the bucket have a dot, which names of configured schedules can't have: `sweep.uploads`. */
  name: string
  description: string
  expression: string
  timezone: string
  enabled: boolean
  workflow: Workflow
  input: Record<string, unknown>
}

interface SchedulesProps {
  /** Names are unique in a group alone. */
  groupName: string
  starts: readonly PlannedStart[]
  /** Of another group of the deployment. Left out: one is made. */
  missed?: Queue
}

/** The configured schedules of a job's runs. One may fire twice: Authenticate claims the slot named by `schedule` in its input. */
export function scheduledRuns(schedules: Deployment['schedules'], run: Workflow): PlannedStart[] {
  return schedules.map(({ name, job, ...when }) => ({
    ...when,
    name,
    description: `${describeSelection(job.guests)}, site ${job.site}`,
    workflow: run,
    input: { ...job, schedule: { name, scheduledAt: ContextAttribute.scheduledTime } },
  }))
}

/** The configured rehearsals of restores. */
export function scheduledDrills(drills: Deployment['drills'], drill: Workflow): PlannedStart[] {
  return drills.map(({ name, request, ...when }) => ({
    ...when,
    name: `drill.${name}`,
    description: `rehearse ${describeSelection(request.guests)}, site ${request.site}`,
    workflow: drill,
    input: { ...request },
  }))
}

/** A group of schedules. */
export class Schedules extends Construct {
  /** Firings that never became an execution. */
  readonly missed: Queue
  /** Those that start what is due. CDK makes them beside this construct, one for each workflow. */
  readonly roles = new Set<IRole>()

  constructor(scope: Construct, id: string, { groupName, starts, missed }: SchedulesProps) {
    super(scope, id)
    this.missed = missed ?? deadLetters(this, 'Missed', 'The queue is itself where undelivered firings end.')
    const scheduleGroup = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: groupName,
      // CDK would keep it, and its name would stop the next deployment.
      removalPolicy: RemovalPolicy.DESTROY,
    })
    for (const { name, description, expression, timezone, enabled, workflow, input } of starts) {
      new Schedule(this, name, {
        scheduleName: name,
        description: `Guestlift: ${description}`.slice(0, 512),
        scheduleGroup,
        schedule: ScheduleExpression.expression(expression, TimeZone.of(timezone)),
        enabled,
        target: {
          bind: (schedule) => {
            const target = new StepFunctionsStartExecution(workflow.machine, {
              input: ScheduleTargetInput.fromObject(input),
              deadLetterQueue: this.missed,
            }).bind(schedule)
            this.roles.add(target.role)
            return target
          },
        },
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
