import {
  type CfnStateMachine,
  DefinitionBody,
  type IChainable,
  LogLevel,
  QueryLanguage,
  StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'

/** Template metadata that names a workflow; `local/synthesised.ts` finds the definitions by it. */
export const WORKFLOW_METADATA = 'guestlift:workflow'

export interface WorkflowProps {
  /** As part of the state machine's name: `export-run`. */
  name: 'export-run' | 'export-guest'
  deployment: Deployment
  /** Shown in the console. */
  description: string
  timeout: Duration
  /** Builds the states. They are complete when it returns: the state machine renders them once, on creation. */
  story: (scope: Construct) => IChainable
}

/** A Standard workflow in JSONata with its log. Execution data stays out of the log; the history has it. */
export class Workflow extends Construct {
  readonly machine: StateMachine

  constructor(scope: Construct, id: string, { name, deployment, description, timeout, story }: WorkflowProps) {
    super(scope, id)
    const stateMachineName = `guestlift-${deployment.name}-${name}`
    this.machine = new StateMachine(this, 'Workflow', {
      stateMachineName,
      comment: description,
      queryLanguage: QueryLanguage.JSONATA,
      definitionBody: DefinitionBody.fromChainable(story(this)),
      timeout,
      tracingEnabled: true,
      logs: {
        level: LogLevel.ERROR,
        includeExecutionData: false,
        destination: new LogGroup(this, 'Log', {
          // Under this prefix, CloudWatch needs no entry per log group in its resource policy, which is limited in size.
          logGroupName: `/aws/vendedlogs/states/${stateMachineName}`,
          retention: deployment.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      },
    })
    const resource = this.machine.node.defaultChild as CfnStateMachine
    resource.addMetadata(WORKFLOW_METADATA, name)
  }
}
