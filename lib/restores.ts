import { Duration, Validations } from 'aws-cdk-lib'
import { Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events'
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import type { ExportFunctions } from './export-functions.ts'
import { wildcardFinding } from './rule-findings.ts'
import { Workflow } from './workflow.ts'
import { cleanUpRestore } from './workflows/clean-up-restore.ts'
import { restoreDrill, sampleDrill } from './workflows/restore-drill.ts'
import { LONGEST_RESTORE, restoreGuest, sampleRestore } from './workflows/restore-guest.ts'

interface RestoresProps {
  deployment: Deployment
  functions: ExportFunctions
  /** For events that started nothing. */
  missed: Queue
}

/** Bringing guests back, and cleaning up after a restore that was stopped. */
export class Restores extends Construct {
  readonly guest: Workflow
  readonly cleanUp: Workflow
  readonly drill: Workflow

  constructor(scope: Construct, id: string, { deployment, functions, missed }: RestoresProps) {
    super(scope, id)
    this.guest = new Workflow(this, 'RestoreGuest', {
      name: 'restore-guest',
      deployment,
      description: `Brings one guest back. Without "confirm": true it is a dry run. Start it with: ${JSON.stringify(sampleRestore)}`,
      timeout: LONGEST_RESTORE,
      story: (within) => restoreGuest(within, functions),
    })
    this.cleanUp = new Workflow(this, 'CleanUpRestore', {
      name: 'clean-up-restore',
      deployment,
      description: 'Removes what a stopped restore left on its platform, and reports. Started by its end.',
      timeout: Duration.hours(6),
      story: (within) => cleanUpRestore(within, functions),
    })
    this.drill = new Workflow(this, 'RestoreDrill', {
      name: 'restore-drill',
      deployment,
      description: `Rehearses restores of guests that are due, and removes them again. Start it with: ${JSON.stringify(sampleDrill)}`,
      // The rehearsals of one node come one after the other.
      timeout: LONGEST_RESTORE,
      story: (within) => restoreDrill(within, functions, this.guest.machine),
    })
    Validations.of(this.drill.machine).acknowledge({
      id: wildcardFinding(`${this.guest.printedExecutions()}*`),
      reason: 'A drill starts, watches and stops executions of Restore guest, whose names end with the guest.',
    })
    new Rule(this, 'Stopped', {
      description: `Guestlift ${deployment.name}: a restore was stopped or ran out of time`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['ABORTED', 'TIMED_OUT'], stateMachineArn: [this.guest.machine.stateMachineArn] },
      },
      targets: [
        new SfnStateMachine(this.cleanUp.machine, {
          input: RuleTargetInput.fromEventPath('$.detail'),
          deadLetterQueue: missed,
        }),
      ],
    })
  }
}
