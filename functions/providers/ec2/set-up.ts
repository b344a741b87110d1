/** What a person does in an AWS account before Guestlift may archive its instances: as docs/ec2.md has it, and a test compares. */

/** The rights of the role that backs up, in an account's instances. `site` is bound to the tags of its snapshots. */
export function backupPolicy(site: string): object {
  const ours = { StringEquals: { 'aws:ResourceTag/guestlift:site': site } }
  const snapshots = 'arn:aws:ec2:*::snapshot/*'
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'Look',
        Effect: 'Allow',
        Action: ['ec2:DescribeInstances', 'ec2:DescribeInstanceTypes', 'ec2:DescribeVolumes', 'ec2:DescribeSnapshots'],
        Resource: '*',
      },
      {
        Sid: 'Freeze',
        Effect: 'Allow',
        Action: 'ec2:CreateSnapshots',
        Resource: ['arn:aws:ec2:*:*:instance/*', 'arn:aws:ec2:*:*:volume/*'],
      },
      {
        Sid: 'FreezeMarked',
        Effect: 'Allow',
        Action: 'ec2:CreateSnapshots',
        Resource: snapshots,
        Condition: { StringEquals: { 'aws:RequestTag/guestlift:site': site } },
      },
      {
        Sid: 'Mark',
        Effect: 'Allow',
        Action: 'ec2:CreateTags',
        Resource: snapshots,
        Condition: { StringEquals: { 'ec2:CreateAction': 'CreateSnapshots' } },
      },
      {
        Sid: 'OwnSnapshots',
        Effect: 'Allow',
        Action: ['ec2:DeleteSnapshot', 'ebs:ListSnapshotBlocks', 'ebs:GetSnapshotBlock'],
        Resource: snapshots,
        Condition: ours,
      },
    ],
  }
}

/** The rights of the account that restores. Whatever it makes bears the site's tag, and it removes nothing else. */
export function restorePolicy(site: string): object {
  const asked = { StringEquals: { 'aws:RequestTag/guestlift:site': site } }
  const ours = {
    StringEquals: { 'aws:ResourceTag/guestlift:site': site },
    StringLike: { 'aws:ResourceTag/guestlift:restore': '*' },
  }
  const [snapshots, images, volumes] = ['ec2:*::snapshot', 'ec2:*::image', 'ec2:*:*:volume'].map(
    (kind) => `arn:aws:${kind}/*`,
  )
  const allow = (Sid: string, Action: string | string[], Resource: unknown, Condition?: object) => ({
    Sid,
    Effect: 'Allow',
    Action,
    Resource,
    ...(Condition === undefined ? {} : { Condition }),
  })
  const tagging = { StringEquals: { 'ec2:CreateAction': ['StartSnapshot', 'RegisterImage', 'CreateVolume'] } }
  return {
    Version: '2012-10-17',
    Statement: [
      allow('Look', ['ec2:DescribeImages', 'ec2:DescribeSnapshots', 'ec2:DescribeVolumes'], '*'),
      allow('Begin', 'ebs:StartSnapshot', snapshots, asked),
      allow('Mark', 'ec2:CreateTags', [snapshots, images, volumes], tagging),
      allow('Write', ['ebs:PutSnapshotBlock', 'ebs:CompleteSnapshot', 'ebs:ListSnapshotBlocks'], snapshots, ours),
      allow('MakeImages', 'ec2:RegisterImage', images, asked),
      allow('MakeVolumes', 'ec2:CreateVolume', volumes, asked),
      allow('OfOwnSnapshots', ['ec2:RegisterImage', 'ec2:CreateVolume'], snapshots, ours),
      allow('RemoveOwn', ['ec2:DeleteSnapshot', 'ec2:DeleteVolume'], [snapshots, volumes], ours),
    ],
  }
}

/** Who may assume the role: another account's functions, with the external id that both sides know. */
function trustPolicy(account: string, externalId: string | undefined): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'sts:AssumeRole',
        ...(externalId === undefined ? {} : { Condition: { StringEquals: { 'sts:ExternalId': externalId } } }),
      },
    ],
  }
}

export const ec2SetUp = {
  usualRole: 'guestlift-backup',
  /** Makes the role, once for an account. `account` is the one that Guestlift runs in. */
  roleCommands: (role: string, site: string, account: string, externalId?: string): string[] => [
    `aws iam create-role --role-name ${role} --assume-role-policy-document '${JSON.stringify(trustPolicy(account, externalId))}'`,
    `aws iam put-role-policy --role-name ${role} --policy-name guestlift-backup --policy-document '${JSON.stringify(backupPolicy(site))}'`,
  ],
  usualRestoreRole: 'guestlift-restore',
  /** The role that restores, which is another one: the one that backs up can make nothing. */
  restoreRoleCommands: (role: string, site: string, account: string, externalId?: string): string[] => [
    `aws iam create-role --role-name ${role} --assume-role-policy-document '${JSON.stringify(trustPolicy(account, externalId))}'`,
    `aws iam put-role-policy --role-name ${role} --policy-name guestlift-restore --policy-document '${JSON.stringify(restorePolicy(site))}'`,
  ],
}
