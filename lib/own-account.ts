import { Stack } from 'aws-cdk-lib'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IConstruct } from 'constructs'

/**
 * A service, only while it works for this account. Not for EventBridge where it publishes to SNS or uses a key: it sends
 * neither `aws:SourceAccount` nor `aws:SourceArn` there, so the condition would never hold (EventBridge user guide,
 * "Amazon SNS permissions"; SNS developer guide, "Enable compatibility between event sources and encrypted topics").
 * @param service as `lambda.amazonaws.com`
 */
export function forThisAccount(scope: IConstruct, service: string): ServicePrincipal {
  return new ServicePrincipal(service, {
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  })
}
