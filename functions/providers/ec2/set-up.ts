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
}
