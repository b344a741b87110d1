/** Policy documents as IAM and the services take them, read into statements that can be judged. */
import { z } from 'zod'
import { type Conditions, unknownCondition } from './conditions.ts'

/** One statement. Of each pair of lists exactly one is there. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly actions?: readonly string[]
  readonly notActions?: readonly string[]
  readonly resources?: readonly string[]
  readonly notResources?: readonly string[]
  readonly conditions?: Conditions
  /** Whom it is about, in policies of resources: by kind (`AWS`, `Service`), or everybody. */
  readonly principals?: '*' | Readonly<Record<string, readonly string[]>>
}

/** A policy that says something that can't be judged here, or isn't a policy. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  /** Something that IAM knows and this evaluator doesn't; `false` for what isn't a policy at all. */
  readonly unknown: boolean

  constructor(message: string, unknown: boolean) {
    super(message)
    this.unknown = unknown
  }
}

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat())
const values = z
  .union([z.string(), z.boolean(), z.number(), z.array(z.union([z.string(), z.boolean(), z.number()]))])
  .transform((value) => [value].flat().map(String))

const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.literal('*'), z.record(z.string(), texts)]).optional(),
  NotPrincipal: z.unknown().optional(),
  Action: texts.optional(),
  NotAction: texts.optional(),
  Resource: texts.optional(),
  NotResource: texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), values)).optional(),
})

const policySchema = z.strictObject({
  Version: z.string().optional(),
  Id: z.string().optional(),
  Statement: z.union([statementSchema, z.array(statementSchema)]).transform((value) => [value].flat()),
})

/**
 * Read a policy document.
 * @param kind a policy of a resource has principals; one of an identity has none; a trust policy has no resources
 * @throws PolicyError
 */
export function readPolicy(document: unknown, kind: 'identity' | 'resource' | 'trust'): Statement[] {
  const parsed = policySchema.safeParse(document)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new PolicyError(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(), false)
  }
  return parsed.data.Statement.map((statement) => read(statement, kind))
}

function read(statement: z.output<typeof statementSchema>, kind: 'identity' | 'resource' | 'trust'): Statement {
  const { Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource, Condition } = statement
  if (NotPrincipal !== undefined) throw new PolicyError('NotPrincipal', true)
  if ((Principal !== undefined) === (kind === 'identity')) {
    throw new PolicyError(
      kind === 'identity' ? 'Unexpected field Principal' : 'Missing required field Principal',
      false,
    )
  }
  if ((Action === undefined) === (NotAction === undefined)) {
    throw new PolicyError('Missing required field Action', false)
  }
  if (kind !== 'trust' && (Resource === undefined) === (NotResource === undefined)) {
    throw new PolicyError('Missing required field Resource', false)
  }
  const variable = [Resource ?? [], NotResource ?? []].flat().find((text) => text.includes('${'))
  if (variable !== undefined) throw new PolicyError(`the policy variable in ${variable}`, true)
  const unknown = unknownCondition(Condition ?? {})
  if (unknown !== undefined) throw new PolicyError(unknown, true)
  return {
    effect: Effect,
    ...(Action && { actions: Action }),
    ...(NotAction && { notActions: NotAction }),
    ...(Resource && { resources: Resource }),
    ...(NotResource && { notResources: NotResource }),
    ...(Condition && { conditions: Condition }),
    ...(Principal && { principals: Principal }),
  }
}
