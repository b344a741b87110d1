/** May it? One request against all policies that apply (IAM user guide, "Policy evaluation logic"). */
import { type Context, conditionsHold } from './conditions.ts'
import type { Statement } from './policy.ts'
import { like, likeArn } from './wildcard.ts'

/** Who asks. `kind` and `names` are what a resource's policy may call it. */
export interface Principal {
  /** As errors call it: `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
  readonly arn: string
  readonly kind: 'AWS' | 'Service'
  readonly names: readonly string[]
  /**
   * Its account, as policies call it. Denied to an account is denied to all in it; what an account is allowed, its own
   * policies may hand on, and only they (IAM user guide, "AWS JSON policy elements: Principal").
   */
  readonly account: readonly string[]
}

export interface AccessRequest {
  readonly principal: Principal
  /** `s3:GetObject` */
  readonly action: string
  readonly resource: string
  readonly context?: Context
}

/** The policies that apply: the identity's own, and those of the resource within the same account. */
export interface Policies {
  readonly identity: readonly Statement[]
  readonly resource: readonly Statement[]
}

export type Decision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly because: 'implicit' | 'not-by-resource' | 'identity-deny' | 'resource-deny' }

/**
 * An explicit Deny wins over every Allow; what nothing allows is denied. One of the two kinds of policies is enough to
 * allow, and both have to where the resource is of another account (IAM user guide, "Cross-account policy evaluation logic").
 */
export function evaluate(request: AccessRequest, { identity, resource }: Policies, isForeign = false): Decision {
  const own = identity.filter((statement) => applies(statement, request))
  const others = resource.filter(
    (statement) => concerns(statement, request.principal, isForeign) && applies(statement, request),
  )
  const denies = ({ effect }: Statement): boolean => effect === 'Deny'
  if (own.some(denies)) return { allowed: false, because: 'identity-deny' }
  if (others.some(denies)) return { allowed: false, because: 'resource-deny' }
  if (isForeign && own.length > 0 && others.length === 0) return { allowed: false, because: 'not-by-resource' }
  if (isForeign ? own.length > 0 : own.length + others.length > 0) return { allowed: true }
  return { allowed: false, because: 'implicit' }
}

/** Whether a statement, its effect aside, covers a request. Actions are compared in any case, resources in their own. */
export function applies(statement: Statement, { action, resource, context = {} }: AccessRequest): boolean {
  const { actions, notActions = [], resources, notResources, conditions = {} } = statement
  const named = (list: readonly string[]) => list.some((each) => like(each.toLowerCase(), action.toLowerCase()))
  const about = (list: readonly string[]) => list.some((each) => likeArn(each, resource))
  return (
    (actions === undefined ? !named(notActions) : named(actions)) &&
    // A trust policy has none: its resource is the role itself.
    (resources === undefined ? notResources === undefined || !about(notResources) : about(resources)) &&
    conditionsHold(conditions, context)
  )
}

function concerns({ principals, effect }: Statement, { kind, names, account }: Principal, isForeign: boolean): boolean {
  if (principals === undefined) return false
  if (principals === '*') return true
  const meant = effect === 'Deny' || isForeign ? [...names, ...account] : names
  return (principals[kind] ?? []).some((each) => each === '*' || meant.includes(each))
}

/** Why not, in the words of AWS (IAM user guide, "Troubleshoot access denied error messages"). */
export function refusal({ principal, action, resource }: AccessRequest, decision: Decision): string {
  const about = `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource}`
  if (decision.allowed || decision.because === 'implicit') {
    return `${about} because no identity-based policy allows the ${action} action`
  }
  if (decision.because === 'not-by-resource')
    return `${about} because no resource-based policy allows the ${action} action`
  const kind = decision.because === 'identity-deny' ? 'an identity-based' : 'a resource-based'
  return `${about} with an explicit deny in ${kind} policy`
}
