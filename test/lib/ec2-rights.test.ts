/** A role of another account is made by hand from what `init` and docs/ec2.md show: it may do what functions of our own may. */
import { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { describe, expect, it } from 'vitest'
import { backupPolicy, restorePolicy } from '../../functions/providers/ec2/set-up.ts'
import { ec2Access } from '../../lib/ec2-access.ts'
import { ec2RestoreAccess } from '../../lib/ec2-restore-access.ts'

const sites = [{ site: 'aws', keyArns: [], restore: { keyArns: [] } }]

function granted(grant: (stack: Stack, role: Role) => void): string[] {
  const stack = new Stack()
  grant(stack, new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))
  const policies = Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy')
  return Object.values(policies).flatMap((policy) => actionsOf(policy['Properties'].PolicyDocument))
}

function actionsOf(policy: object): string[] {
  const { Statement } = policy as { Statement: { Action: string | string[] }[] }
  return Statement.flatMap(({ Action }) => Action)
}

const each = (actions: readonly string[]) => [...new Set(actions)].filter((one) => !one.startsWith('kms:')).toSorted()

describe('the rights on an account of EC2', () => {
  it('are the same for backups by a role and by the functions themselves', () => {
    const own = granted((stack, role) =>
      ec2Access(stack, 'Ec2', sites).grant(role, ['look', 'freeze', 'read-blocks', 'remove']),
    )
    expect(each(own)).toEqual(each(actionsOf(backupPolicy('aws'))))
  })

  it('are the same for restores by a role and by the functions themselves', () => {
    const own = granted((stack, role) =>
      ec2RestoreAccess(stack, 'Ec2', sites).grant(role, ['look', 'write', 'list-blocks', 'make', 'remove']),
    )
    expect(each(own)).toEqual(each(actionsOf(restorePolicy('aws'))))
  })
})
