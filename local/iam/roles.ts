/** The roles of a synthesised template, each with all that its policies say. */
import { PolicyError, readPolicy, type Statement } from './policy.ts'

/** As templates have it. */
export interface Resource {
  Type: string
  Properties: Readonly<Record<string, unknown>>
}

/** A policy that a role holds: its own logical id, and what it says, as the template has it. */
export interface HeldPolicy {
  id: string
  document: unknown
  /** Several roles may hold it. */
  shared: boolean
}

/**
 * The policies that each role of a template holds, by the role's logical id: shared ones first.
 * @throws PolicyError naming what no template shows, as a policy of AWS's making
 */
export function policiesOfRoles(resources: Readonly<Record<string, Resource>>): Map<string, HeldPolicy[]> {
  const found = new Map<string, HeldPolicy[]>()
  for (const [id, { Type, Properties }] of Object.entries(resources)) {
    if (Type !== 'AWS::IAM::Role') continue
    if (Properties['Policies'] !== undefined) throw new PolicyError(`Policies of the role ${id}`, true)
    // A boundary of the account's own, as an ARN, grants nothing: it only takes away, and no template shows what.
    const boundary = Properties['PermissionsBoundary']
    if (boundary !== undefined && typeof boundary !== 'string')
      throw new PolicyError(`PermissionsBoundary of the role ${id}`, true)
    const shared = list(Properties['ManagedPolicyArns']).map((reference) => {
      const policy = resources[logicalId(reference)]
      if (policy?.Type !== 'AWS::IAM::ManagedPolicy') {
        throw new PolicyError(`The policy ${JSON.stringify(reference)} of the role ${id}`, true)
      }
      return { id: logicalId(reference), document: policy.Properties['PolicyDocument'], shared: true }
    })
    found.set(id, shared)
  }
  for (const [id, { Type, Properties }] of Object.entries(resources)) {
    if (!/^AWS::IAM::(Managed)?Policy$/.test(Type)) continue
    const policy = { id, document: Properties['PolicyDocument'], shared: Type === 'AWS::IAM::ManagedPolicy' }
    for (const role of list(Properties['Roles'])) found.get(logicalId(role))?.push(policy)
  }
  return found
}

/** The statements of each role by its logical id. @throws PolicyError naming what can't be judged */
export function roleStatements(
  resources: Readonly<Record<string, Resource>>,
  resolve: (value: unknown) => string,
): Map<string, Statement[]> {
  return new Map(
    [...policiesOfRoles(resources)].map(([role, policies]) => [
      role,
      policies.flatMap(({ id, document }) => named(id, () => readPolicy(resolved(document, resolve), 'identity'))),
    ]),
  )
}

/** Statements of all policies of a kind that lie on resources: of buckets, queues, topics. */
export function resourceStatements(
  resources: Readonly<Record<string, Resource>>,
  type: string,
  resolve: (value: unknown) => string,
): Statement[] {
  return Object.entries(resources).flatMap(([id, { Type, Properties }]) =>
    Type === type ? named(id, () => readPolicy(resolved(Properties['PolicyDocument'], resolve), 'resource')) : [],
  )
}

/** The logical id that a reference to a resource of the same template means. */
export function logicalId(reference: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = (reference ?? {}) as { Ref?: string; 'Fn::GetAtt'?: string[] }
  return Ref ?? attribute?.[0] ?? ''
}

function named(id: string, read: () => Statement[]): Statement[] {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new PolicyError(`The policy ${id} can't be judged: ${cause.message}`, cause.unknown)
  }
}

/** A policy with plain texts in place of references. */
export function resolved(value: unknown, resolve: (value: unknown) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, resolve))
  if (typeof value !== 'object' || value === null) return value
  const [[name] = ['']] = Object.entries(value)
  if (name === 'Ref' || name.startsWith('Fn::')) return resolve(value)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each, resolve)]))
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
