import { Stack } from 'aws-cdk-lib'
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js'
import type { IConstruct } from 'constructs'

/** A token as cdk-nag prints it in its findings: `<AWS::Region>`, or `eu-central-1` where the deployment names one. */
export function printed(scope: IConstruct, token: string): string {
  return flattenCfnReference(Stack.of(scope).resolve(token))
}

/** The finding about a wildcard in a policy's resource. Each one is acknowledged by itself, with its own reason. */
export function wildcardFinding(printedResource: string): string {
  return `AwsSolutions-IAM5[Resource::${printedResource}]`
}
