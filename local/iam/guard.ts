/** Judges what a role asks for, and tells anyone who listens what it used and what it was refused. */
import type { Context } from './conditions.ts'
import { type AccessRequest, type Decision, evaluate, refusal } from './evaluate.ts'
import type { Statement } from './policy.ts'
import { principalOf, type Role } from './session.ts'

/** One judged request. */
export interface Judgement {
  /** The role's name: what ran as it. */
  readonly role: string
  readonly request: AccessRequest
  readonly allowed: boolean
}

/** Who, what, on what: `copy-parts s3:PutObject arn:aws:s3:::archives/claims/hq/vm-100.json`. */
export function judgementText({ role, request: { action, resource } }: Judgement): string {
  return `${role} ${action} ${resource}`
}

export type OnJudgement = (judgement: Judgement) => void

export interface Guard {
  readonly role: Role
  /** Judge what would be refused for: `undefined` when it is allowed, else AWS's words. Tells. */
  refuses(action: string, resource: string, context?: Context, shown?: string): string | undefined
  /** Judge what is left out where it isn't allowed, without an error. Only its use is told. */
  may(action: string, resource: string, context?: Context): boolean
}

/** A guard that has judged this many different requests forgets them. */
const REMEMBERED = 10_000

/**
 * @param further policies of the resource that is asked for, beside those that the role brings
 * @param foreign how the ARNs of resources begin that another account owns
 */
export function guardOf(
  role: Role,
  onJudgement: OnJudgement = () => undefined,
  further: readonly Statement[] = [],
  foreign?: string,
): Guard {
  const principal = principalOf(role)
  const account = role.arn.split(':')[4] ?? ''
  const policies = { identity: role.identity, resource: [...role.resource, ...further] }
  const known = new Map<string, Decision>()
  const judge = (
    action: string,
    resource: string,
    context: Context,
  ): { request: AccessRequest; decision: Decision } => {
    const own = { ...role.context, ...context, 'aws:principalarn': role.arn, 'aws:principalaccount': account }
    const request = { principal, action, resource, context: own }
    const name = JSON.stringify([action, resource, context])
    const decision =
      known.get(name) ?? evaluate(request, policies, foreign !== undefined && resource.startsWith(foreign))
    if (known.size >= REMEMBERED) known.clear()
    known.set(name, decision)
    return { request, decision }
  }
  return {
    role,
    refuses(action, resource, context = {}, shown = resource) {
      const { request, decision } = judge(action, resource, context)
      onJudgement({ role: role.name, request, allowed: decision.allowed })
      return decision.allowed ? undefined : refusal({ ...request, resource: shown }, decision)
    },
    may(action, resource, context = {}) {
      const { request, decision } = judge(action, resource, context)
      if (decision.allowed) onJudgement({ role: role.name, request, allowed: true })
      return decision.allowed
    },
  }
}
