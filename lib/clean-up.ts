import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib'
import { Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events'
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import type { ExportFunctions } from './export-functions.ts'
import { printed, wildcardFinding } from './rule-findings.ts'
import { deadLetters } from './schedule.ts'
import { Workflow } from './workflow.ts'
import { cleanUpRun } from './workflows/clean-up-run.ts'

interface CleanUpProps {
  deployment: Deployment
  functions: ExportFunctions
  run: Workflow
  guest: Workflow
}

/**
 * Anyone who stops an execution (StopExecution, the console) stops its states, its Catch included; a time limit does the
 * same. Step Functions reports both, and that starts the clean-up.
 */
export class CleanUp extends Construct {
  readonly workflow: Workflow
  /** Events that started nothing. */
  readonly missed: Queue

  constructor(scope: Construct, id: string, { deployment, functions, run, guest }: CleanUpProps) {
    super(scope, id)
    // A run's guests are executions of its map, which carry the run's name with a slash.
    const executions = [...[':', '/'].map((separator) => executionsOf(run, separator)), executionsOf(guest, ':')]
    this.workflow = new Workflow(this, 'CleanUpRun', {
      name: 'clean-up-run',
      deployment,
      description: 'Stops what a stopped execution left running and gives its guests back. Started by its end.',
      timeout: Duration.hours(6),
      story: (within) => cleanUpRun(within, { functions, executions }),
    })
    Validations.of(this.workflow.machine).acknowledge(
      ...executions.map((resource) => ({
        id: wildcardFinding(printed(this, resource)),
        reason: 'The executions to look at are named by claims that nobody knows beforehand.',
      })),
    )
    this.missed = deadLetters(this, 'Missed', 'The queue is itself where undelivered events end.')
    new Rule(this, 'Stopped', {
      description: `Guestlift ${deployment.name}: an execution was stopped or ran out of time`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          status: ['ABORTED', 'TIMED_OUT'],
          stateMachineArn: [run, guest].map(({ machine }) => machine.stateMachineArn),
        },
      },
      targets: [
        new SfnStateMachine(this.workflow.machine, {
          // As it is: the input within is JSON as text, which a template of fields would take apart.
          input: RuleTargetInput.fromEventPath('$.detail'),
          deadLetterQueue: this.missed,
        }),
      ],
    })
  }
}

function executionsOf({ machine }: Workflow, separator: string): string {
  const name = Stack.of(machine).splitArn(machine.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName ?? ''
  return Stack.of(machine).formatArn({
    service: 'states',
    resource: 'execution',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    resourceName: `${name}${separator}*`,
  })
}
