import { Validations } from 'aws-cdk-lib'
import { ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { printed, wildcardFinding } from './rule-findings.ts'

/** What a policy is called, says of itself, and why it has wildcards. */
export interface PolicyWords {
  id: string
  description: string
  reason: string
}

export interface WorkPoliciesProps<Work extends string> {
  /** Something of the deployment's own account is worked on. */
  inOwnAccount: boolean
  /** Roles of sites that name one. */
  roleArns: readonly string[]
  statements: (work: Work) => PolicyStatement[]
  words: Readonly<Record<Work | 'assume', PolicyWords>>
}

/**
 * Rights on an account of AWS EC2 by kinds of work, in policies that functions share: each is made when it is first
 * granted. Where sites name roles, the right is to assume those.
 */
export class WorkPolicies<Work extends string> extends Construct {
  private readonly props: WorkPoliciesProps<Work>
  private readonly policies = new Map<Work | 'assume', ManagedPolicy>()

  constructor(scope: Construct, id: string, props: WorkPoliciesProps<Work>) {
    super(scope, id)
    this.props = props
  }

  grant(role: Role, work: readonly Work[]): void {
    if (work.length === 0) return
    const { inOwnAccount, roleArns, statements } = this.props
    if (inOwnAccount) for (const one of work) role.addManagedPolicy(this.policy(one, () => statements(one)))
    if (roleArns.length === 0) return
    const assume = () => [new PolicyStatement({ actions: ['sts:AssumeRole'], resources: [...roleArns] })]
    role.addManagedPolicy(this.policy('assume', assume))
  }

  private policy(work: Work | 'assume', made: () => PolicyStatement[]): ManagedPolicy {
    const known = this.policies.get(work)
    if (known !== undefined) return known
    const { id, description, reason } = this.props.words[work]
    const statements = made()
    const policy = new ManagedPolicy(this, id, { description, statements })
    const findings = statements.flatMap(({ resources, actions }) => [
      ...resources
        .filter((resource) => resource.includes('*'))
        .map((resource) => wildcardFinding(printed(this, resource))),
      ...actions.filter((action) => action.includes('*')).map((action) => `AwsSolutions-IAM5[Action::${action}]`),
    ])
    Validations.of(policy).acknowledge(...[...new Set(findings)].map((finding) => ({ id: finding, reason })))
    this.policies.set(work, policy)
    return policy
  }
}
