/**
 * The types that other CDK apps see. `local/package/types.ts` puts them beside the built constructs, with the fields of a
 * deployment written out of its schema, so that they need neither zod nor these sources.
 * `test/lib/public-types.test.ts` compares them with the constructs.
 */
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { DeploymentConfig } from './deployment-config.ts'

export type { DeploymentConfig } from './deployment-config.ts'

/** Of a deployment, what its storage goes by. The whole deployment may be passed. */
export type GuestliftStorageProps = Pick<DeploymentConfig, 'name' | 'bucket' | 'tags'>

/**
 * The archive bucket of a deployment. CloudFormation keeps it whatever becomes of the stack. Best in a stack of its own with
 * `terminationProtection`, apart from `Guestlift`, which can be torn down and made anew.
 */
export declare class GuestliftStorage extends Construct {
  readonly bucket: IBucket
  /** Of the deployment that archives here. */
  readonly deploymentName: string
  /** @throws DeploymentConfigError */
  constructor(scope: Construct, id: string, props: GuestliftStorageProps)
}

/** A deployment. Account and region are those of the stack, and the bucket's settings those of the storage. */
export interface GuestliftProps extends Omit<DeploymentConfig, 'account' | 'region' | 'bucket'> {
  /** Where the archives go: in this stack, or in another one of the same account and region. */
  storage: GuestliftStorage
}

/** Everything that moves archives: functions, workflows, schedules, and who is notified when they fail. */
export declare class Guestlift extends Construct {
  /** Archives the guests of one job. */
  readonly exportRun: StateMachine
  /** Brings one guest back. */
  readonly restoreGuest: StateMachine
  /** Where failures and alarms are published. */
  readonly failureTopic: ITopic
  /** @throws DeploymentConfigError */
  constructor(scope: Construct, id: string, props: GuestliftProps)
}

/** The configuration can't be used; the message says where in it, and why. */
export declare class DeploymentConfigError extends Error {
  override readonly name: 'DeploymentConfigError'
}
