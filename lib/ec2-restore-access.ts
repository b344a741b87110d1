import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { type PolicyWords, WorkPolicies } from './work-policies.ts'

/** What a function that restores does with disks: look, write snapshots, list their blocks, make something of them, remove. */
export type DiskWork = 'look' | 'write' | 'list-blocks' | 'make' | 'remove'

const SITE_TAG = 'guestlift:site'
const RESTORE_TAG = 'guestlift:restore'

/**
 * Rights to bring disks back to the deployment's own account, and to assume roles of others for that: of those sites of AWS
 * EC2 alone that the deployment names a `restore` for. Whatever is made bears the tag of a site, and only what bears it and
 * a restore's is removed. `functions/providers/ec2/set-up.ts` has the same rights for a role in another account.
 */
export type Ec2RestoreAccess = WorkPolicies<DiskWork>

export function ec2RestoreAccess(scope: Construct, id: string, sites: Deployment['ec2']): Ec2RestoreAccess {
  const restored = sites.flatMap(({ site, restore }) => (restore === undefined ? [] : [{ site, ...restore }]))
  const own = restored.filter(({ roleArn }) => roleArn === undefined)
  const ownSites = own.map(({ site }) => site)
  const keyArns = [...new Set(own.flatMap((site) => site.keyArns))]
  const statements = (work: DiskWork): PolicyStatement[] => {
    const { partition } = Stack.of(scope)
    const [snapshots, images, volumes] = ['ec2:*::snapshot', 'ec2:*::image', 'ec2:*:*:volume'].map(
      (kind) => `arn:${partition}:${kind}/*`,
    ) as [string, string, string]
    const asked = { StringEquals: { [`aws:RequestTag/${SITE_TAG}`]: ownSites } }
    const ours = {
      StringEquals: { [`aws:ResourceTag/${SITE_TAG}`]: ownSites },
      StringLike: { [`aws:ResourceTag/${RESTORE_TAG}`]: '*' },
    }
    const allow = (actions: string[], resources: string[], conditions?: object) =>
      new PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) })
    const tagging = (resources: string[], calls: string[]) =>
      allow(['ec2:CreateTags'], resources, { StringEquals: { 'ec2:CreateAction': calls } })
    // The key's own policy has to allow it as well.
    const keys =
      keyArns.length === 0
        ? []
        : [allow(['kms:CreateGrant', 'kms:DescribeKey', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'], [...keyArns])]
    switch (work) {
      case 'look':
        return [allow(['ec2:DescribeImages', 'ec2:DescribeSnapshots', 'ec2:DescribeVolumes'], ['*'])]
      case 'write':
        return [
          allow(['ebs:StartSnapshot'], [snapshots], asked),
          tagging([snapshots], ['StartSnapshot']),
          allow(['ebs:PutSnapshotBlock', 'ebs:CompleteSnapshot'], [snapshots], ours),
          ...keys,
        ]
      case 'list-blocks':
        return [allow(['ebs:ListSnapshotBlocks'], [snapshots], ours)]
      case 'make':
        return [
          allow(['ec2:RegisterImage'], [images], asked),
          allow(['ec2:CreateVolume'], [volumes], asked),
          allow(['ec2:RegisterImage', 'ec2:CreateVolume'], [snapshots], ours),
          tagging([images, volumes], ['RegisterImage', 'CreateVolume']),
          ...keys,
        ]
      case 'remove':
        return [allow(['ec2:DeleteSnapshot'], [snapshots], ours), allow(['ec2:DeleteVolume'], [volumes], ours)]
    }
  }
  const roleArns = [...new Set(restored.flatMap(({ roleArn }) => roleArn ?? []))]
  return new WorkPolicies(scope, id, { inOwnAccount: ownSites.length > 0, roleArns, statements, words })
}

const words: Record<DiskWork | 'assume', PolicyWords> = {
  look: {
    id: 'Look',
    description: 'Lists what Guestlift restored to an account',
    reason: 'EC2 takes no resource for its lists.',
  },
  write: {
    id: 'Write',
    description: 'Writes snapshots of disks that Guestlift restores',
    reason: 'Only snapshots that bear the tag of the site, and keys that the deployment names.',
  },
  'list-blocks': {
    id: 'ListBlocks',
    description: 'Lists blocks of snapshots that Guestlift restored',
    reason: 'Only snapshots that bear the tags of a restore.',
  },
  make: {
    id: 'Make',
    description: 'Makes images and volumes of disks that Guestlift restored',
    reason: 'Only of snapshots that bear the tags of a restore, and what is made bears the tag of the site.',
  },
  remove: {
    id: 'Remove',
    description: 'Removes what a restore of Guestlift left',
    reason: 'Only what bears the tags of a restore.',
  },
  assume: {
    id: 'Assume',
    description: 'Assumes the roles that Guestlift restores with in other accounts',
    reason: 'A role is named by the deployment.',
  },
}
