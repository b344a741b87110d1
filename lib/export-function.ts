import { bundledHandler } from '#handler-code'
import {
  Architecture,
  type CfnFunction,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Role } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { type TaskEnv, type TaskName, tasks } from '../functions/contracts/tasks.ts'
import type { Deployment } from './deployment-config.ts'
import { forThisAccount } from './own-account.ts'
import { proxyVariables } from './proxy-variables.ts'
import type { SiteNetwork } from './site-network.ts'

/** Template metadata that names a function's task; `local/run/synthesised.ts` finds the bundles by it. */
export const STEM_METADATA = 'guestlift:stem'

export interface ExportFunctionProps<Name extends TaskName> {
  task: Name
  deployment: Deployment
  environment: TaskEnv<Name>
  memoryMiB: number
  timeoutSeconds: number
  reservedConcurrency?: number | undefined
  /** For Node.js itself; `node-options.ts` names them. */
  nodeOptions: string | undefined
  /** For functions that talk to a site which is reached through a VPC. */
  network?: SiteNetwork | undefined
  /** Stands in for the product's own registry of platforms. */
  registry?: string | undefined
}

/** The function behind one task: the bundled handler, its own role, its own log group. */
export class ExportFunction<Name extends TaskName> extends Construct {
  readonly function: LambdaFunction
  readonly timeoutSeconds: number
  /** Holds nothing at first but the right to write its own log. */
  readonly role: Role

  constructor(scope: Construct, props: ExportFunctionProps<Name>) {
    super(scope, props.task)
    const { deployment, environment, network, reservedConcurrency } = props
    const { stem } = tasks[props.task]
    const functionName = `guestlift-${deployment.name}-${stem}`
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: deployment.logRetentionDays,
      // The evidence of a backup lies beside the archive. A log group that stayed would block the next deployment by its name.
      removalPolicy: RemovalPolicy.DESTROY,
    })
    this.role = new Role(this, 'Role', {
      assumedBy: forThisAccount(this, 'lambda.amazonaws.com'),
      description: `What the task ${props.task} of Guestlift may do`,
    })
    logGroup.grantWrite(this.role)
    network?.grantAttach(this.role, functionName)

    this.timeoutSeconds = props.timeoutSeconds
    this.function = new UnversionedFunction(this, 'Function', {
      functionName,
      description: `Guestlift: ${stem.replaceAll('-', ' ')}`,
      code: bundledHandler(stem, props.registry),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMiB,
      timeout: Duration.seconds(props.timeoutSeconds),
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
      ...network?.placement,
      environment: {
        ...withoutUndefined({ ...environment, NODE_OPTIONS: props.nodeOptions }),
        ...proxyVariables(deployment),
      },
    })
    const resource = this.function.node.defaultChild as CfnFunction
    resource.addMetadata(STEM_METADATA, stem)
  }
}

/** Nobody calls a version or an alias of it, so the right to call it names the function alone. */
class UnversionedFunction extends LambdaFunction {
  override get resourceArnsForGrantInvoke(): string[] {
    return [this.functionArn]
  }
}

function withoutUndefined(environment: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
