import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { type PolicyWords, WorkPolicies } from './work-policies.ts'

/** What a function does with instances: look at them, freeze their volumes, read blocks, remove snapshots. */
export type InstanceWork = 'look' | 'freeze' | 'read-blocks' | 'remove'

const SITE_TAG = 'guestlift:site'

/**
 * Rights on the instances of the deployment's own account, and to assume roles of others. Without a site of AWS EC2 there
 * are none. Snapshots are only made, read and removed that bear the tag of one of these sites. docs/ec2.md has the same
 * rights for a role in another account (`functions/providers/ec2/set-up.ts`).
 */
export type Ec2Access = WorkPolicies<InstanceWork>

export function ec2Access(scope: Construct, id: string, sites: Deployment['ec2']): Ec2Access {
  const own = sites.filter(({ roleArn }) => roleArn === undefined)
  const ownSites = own.map(({ site }) => site)
  const keyArns = [...new Set(own.flatMap((site) => site.keyArns))]
  const statements = (work: InstanceWork): PolicyStatement[] => {
    const { partition } = Stack.of(scope)
    const snapshots = `arn:${partition}:ec2:*::snapshot/*`
    const ours = { StringEquals: { [`aws:ResourceTag/${SITE_TAG}`]: ownSites } }
    switch (work) {
      case 'look':
        return [
          new PolicyStatement({
            actions: [
              'ec2:DescribeInstances',
              'ec2:DescribeInstanceTypes',
              'ec2:DescribeVolumes',
              'ec2:DescribeSnapshots',
            ],
            resources: ['*'],
          }),
        ]
      case 'freeze':
        return [
          new PolicyStatement({
            actions: ['ec2:CreateSnapshots'],
            resources: [`arn:${partition}:ec2:*:*:instance/*`, `arn:${partition}:ec2:*:*:volume/*`],
          }),
          new PolicyStatement({
            actions: ['ec2:CreateSnapshots'],
            resources: [snapshots],
            conditions: { StringEquals: { [`aws:RequestTag/${SITE_TAG}`]: ownSites } },
          }),
          new PolicyStatement({
            actions: ['ec2:CreateTags'],
            resources: [snapshots],
            conditions: { StringEquals: { 'ec2:CreateAction': 'CreateSnapshots' } },
          }),
        ]
      case 'read-blocks':
        return [
          new PolicyStatement({
            actions: ['ebs:ListSnapshotBlocks', 'ebs:GetSnapshotBlock'],
            resources: [snapshots],
            conditions: ours,
          }),
          // The key's own policy has to allow it as well.
          ...(keyArns.length === 0 ? [] : [new PolicyStatement({ actions: ['kms:Decrypt'], resources: [...keyArns] })]),
        ]
      case 'remove':
        return [new PolicyStatement({ actions: ['ec2:DeleteSnapshot'], resources: [snapshots], conditions: ours })]
    }
  }
  const roleArns = [...new Set(sites.flatMap(({ roleArn }) => roleArn ?? []))]
  return new WorkPolicies(scope, id, { inOwnAccount: ownSites.length > 0, roleArns, statements, words })
}

const words: Record<InstanceWork | 'assume', PolicyWords> = {
  look: {
    id: 'Look',
    description: 'Lists instances, volumes and snapshots for Guestlift',
    reason: 'EC2 takes no resource for its lists.',
  },
  freeze: {
    id: 'Freeze',
    description: 'Makes snapshots of instances for Guestlift, which bear its tags',
    reason: 'Which instances are archived is said by jobs. Snapshots have to bear the tag of the site.',
  },
  'read-blocks': {
    id: 'ReadBlocks',
    description: 'Reads blocks of the snapshots that Guestlift made',
    reason: 'Only snapshots that bear the tag of the site.',
  },
  remove: {
    id: 'Remove',
    description: 'Removes snapshots that Guestlift made',
    reason: 'Only snapshots that bear the tag of the site.',
  },
  assume: {
    id: 'Assume',
    description: 'Assumes the roles of Guestlift in other accounts',
    reason: 'A role is named by the deployment.',
  },
}
