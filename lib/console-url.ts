import { CfnCondition, Fn, Stack, Token } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** The console's host, after the region; `aws` is every other partition. */
const hosts: Readonly<Record<string, string>> = {
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
}
const ELSEWHERE = 'console.aws.amazon.com'

/**
 * A link into the console of the stack's own region and partition.
 * @param path as `states/home`
 * @param place behind `#`
 */
export function consoleUrl(scope: Construct, path: string, place: string): string {
  const { region } = Stack.of(scope)
  return `https://${region}.${hostOf(scope)}/${path}?region=${region}#${place}`
}

function hostOf(scope: Construct): string {
  const { partition } = Stack.of(scope)
  if (!Token.isUnresolved(partition)) return hosts[partition] ?? ELSEWHERE
  // Where the deployment names no region, CloudFormation knows the partition when it deploys.
  return Object.entries(hosts).reduce(
    (otherwise, [name, host]) => Fn.conditionIf(isPartition(scope, name).logicalId, host, otherwise).toString(),
    ELSEWHERE,
  )
}

function isPartition(scope: Construct, name: string): CfnCondition {
  const stack = Stack.of(scope)
  const id = name === 'aws-cn' ? 'InChina' : 'InGovCloud'
  const known = stack.node.tryFindChild(id)
  if (known instanceof CfnCondition) return known
  return new CfnCondition(stack, id, { expression: Fn.conditionEquals(stack.partition, name) })
}
