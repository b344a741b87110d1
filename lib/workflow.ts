import {
  type CfnStateMachine,
  DefinitionBody,
  type IChainable,
  LogLevel,
  QueryLanguage,
  StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions'
import { type Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import type { WorkflowName } from './workflow-names.ts'
import { printed, wildcardFinding } from './rule-findings.ts'

/** Template metadata that names a workflow; `local/run/synthesised.ts` finds the definitions by it. */
export const WORKFLOW_METADATA = 'guestlift:workflow'

export interface WorkflowProps {
  /** As part of the state machine's name: `export-run`. */
  name: WorkflowName
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
  readonly name: WorkflowName

  constructor(scope: Construct, id: string, { name, deployment, description, timeout, story }: WorkflowProps) {
    super(scope, id)
    this.name = name
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
    this.explain()
  }

  /** Its executions, as cdk-nag prints them in findings: names of these begin so. */
  printedExecutions(): string {
    const stack = Stack.of(this)
    const logicalId = stack.getLogicalId(this.machine.node.defaultChild as CfnStateMachine)
    const machineName = `{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"${logicalId}"}]}]}`
    return `${printed(this, `arn:${stack.partition}:states:${stack.region}:${stack.account}:execution:`)}${machineName}`
  }

  /** Why the rule checker's findings about a workflow are right as they are. */
  private explain(): void {
    const executions = this.printedExecutions()
    Validations.of(this.machine).acknowledge(
      {
        id: 'AwsSolutions-SF1',
        reason:
          'The history holds every event for 90 days. A log of all would add nine lines for each look at a backup.',
      },
      {
        id: wildcardFinding('*'),
        reason: 'X-Ray and the delivery of vended logs have no resources to name.',
      },
      ...[`${executions}:*`, `${executions}/*:*`].map((resource) => ({
        id: wildcardFinding(resource),
        reason: 'A distributed map starts, watches and stops its own children, whose names Step Functions makes up.',
      })),
    )
  }
}
