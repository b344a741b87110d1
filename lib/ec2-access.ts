import { Stack, Validations } from 'aws-cdk-lib'
import { ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { printed, wildcardFinding } from './rule-findings.ts'

/** What a function does with instances: look at them, freeze their volumes, read blocks, remove snapshots. */
export type InstanceWork = 'look' | 'freeze' | 'read-blocks' | 'remove'

const SITE_TAG = 'guestlift:site'

/**
 * Rights on the instances of the deployment's own account, and to assume roles of others. Without a site of AWS EC2 there
 * are none. Snapshots are only made, read and removed that bear the tag of one of these sites. docs/ec2.md has the same
 * rights for a role in another account (`functions/providers/ec2/set-up.ts`).
 */
export class Ec2Access extends Construct {
  private readonly ownSites: readonly string[]
  private readonly roleArns: readonly string[]
  private readonly keyArns: readonly string[]
  private readonly policies = new Map<InstanceWork | 'assume', ManagedPolicy>()

  constructor(scope: Construct, id: string, sites: Deployment['ec2']) {
    super(scope, id)
    this.keyArns = [...new Set(sites.flatMap(({ roleArn, keyArns }) => (roleArn === undefined ? keyArns : [])))]
    this.ownSites = sites.filter(({ roleArn }) => roleArn === undefined).map(({ site }) => site)
    this.roleArns = [...new Set(sites.flatMap(({ roleArn }) => roleArn ?? []))]
  }

  grant(role: Role, work: readonly InstanceWork[]): void {
    if (work.length === 0) return
    if (this.ownSites.length > 0) for (const one of work) role.addManagedPolicy(this.policy(one))
    if (this.roleArns.length > 0) role.addManagedPolicy(this.policy('assume'))
  }

  private policy(work: InstanceWork | 'assume'): ManagedPolicy {
    const known = this.policies.get(work)
    if (known !== undefined) return known
    const statements = this.statements(work)
    const id = work === 'read-blocks' ? 'ReadBlocks' : `${work.charAt(0).toUpperCase()}${work.slice(1)}`
    const policy = new ManagedPolicy(this, id, { description: DESCRIPTIONS[work], statements })
    const stars = statements.flatMap(({ resources }) => resources).filter((resource) => resource.includes('*'))
    Validations.of(policy).acknowledge(
      ...[...new Set(stars)].map((resource) => ({
        id: wildcardFinding(printed(this, resource)),
        reason: REASONS[work],
      })),
    )
    this.policies.set(work, policy)
    return policy
  }

  private statements(work: InstanceWork | 'assume'): PolicyStatement[] {
    const { partition } = Stack.of(this)
    const snapshots = `arn:${partition}:ec2:*::snapshot/*`
    const ours = { StringEquals: { [`aws:ResourceTag/${SITE_TAG}`]: this.ownSites } }
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
            conditions: { StringEquals: { [`aws:RequestTag/${SITE_TAG}`]: this.ownSites } },
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
          ...(this.keyArns.length === 0
            ? []
            : [new PolicyStatement({ actions: ['kms:Decrypt'], resources: [...this.keyArns] })]),
        ]
      case 'remove':
        return [new PolicyStatement({ actions: ['ec2:DeleteSnapshot'], resources: [snapshots], conditions: ours })]
      case 'assume':
        return [new PolicyStatement({ actions: ['sts:AssumeRole'], resources: [...this.roleArns] })]
    }
  }
}

const DESCRIPTIONS: Record<InstanceWork | 'assume', string> = {
  look: 'Lists instances, volumes and snapshots for Guestlift',
  freeze: 'Makes snapshots of instances for Guestlift, which bear its tags',
  'read-blocks': 'Reads blocks of the snapshots that Guestlift made',
  remove: 'Removes snapshots that Guestlift made',
  assume: 'Assumes the roles of Guestlift in other accounts',
}

const REASONS: Record<InstanceWork | 'assume', string> = {
  look: 'EC2 takes no resource for its lists.',
  freeze: 'Which instances are archived is said by jobs. Snapshots have to bear the tag of the site.',
  'read-blocks': 'Only snapshots that bear the tag of the site.',
  remove: 'Only snapshots that bear the tag of the site.',
  assume: 'A role is named by the deployment.',
}
