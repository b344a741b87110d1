/** What a synthesised template lets whom do, for people and tests to read. Pure. */
import { z } from 'zod'
import { policiesOfRoles } from './roles.ts'

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat())
const statementSchema = z.object({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  Action: texts,
  Resource: z.unknown().optional(),
  NotResource: z.unknown().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
})
export type Statement = z.output<typeof statementSchema>

const documentSchema = z.object({ Statement: z.array(statementSchema) })
const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.record(z.string(), z.unknown()).default({}),
})
const templateSchema = z.object({ Resources: z.record(z.string(), resourceSchema) })
export type Template = z.output<typeof templateSchema>

export function readTemplate(json: unknown): Template {
  return templateSchema.parse(json)
}

export function statementsOf(document: unknown): Statement[] {
  return documentSchema.parse(document).Statement
}

/** One action on one resource. */
export interface Right {
  effect: 'Allow' | 'Deny'
  action: string
  /** As a person reads it: `archive-bucket/runs/*`. */
  resource: string
  /** JSON. */
  condition?: string
}

/** Everything that the policies of a role say, its own and shared ones, by the role's logical id. */
export function rightsOfRoles({ Resources }: Template): Map<string, Right[]> {
  return new Map(
    [...policiesOfRoles(Resources)].map(([role, policies]) => [
      role,
      // What is a role's alone comes first: it says what the role is for.
      policies
        .toSorted((one, other) => Number(one.shared) - Number(other.shared))
        .flatMap(({ document }) => statementsOf(document))
        .flatMap(rightsOf),
    ]),
  )
}

function rightsOf({ Effect: effect, Action, Resource, Condition }: Statement): Right[] {
  const condition = Condition === undefined ? {} : { condition: conditionText(Condition) }
  return Action.flatMap((action) =>
    resourcesIn(Resource).map((resource) => ({ effect, action, resource, ...condition })),
  )
}

export function resourcesIn(resource: unknown): string[] {
  return [resource].flat().map(readable)
}

export function conditionText(condition: NonNullable<Statement['Condition']>): string {
  return JSON.stringify(condition, (_, value: unknown) => (isIntrinsic(value) ? readable(value) : value))
}

function isIntrinsic(value: unknown): boolean {
  const [name, ...others] = typeof value === 'object' && value !== null ? Object.keys(value) : []
  return others.length === 0 && (name === 'Ref' || name?.startsWith('Fn::') === true)
}

/** A resource as a person reads it: `archive-bucket/runs/*`, `…:secret:guestlift/site/hq-??????`. */
function readable(resource: unknown): string {
  return (
    flat(resource)
      .replace(/^arn:(<AWS::Partition>|aws):s3:::<guestlift-[a-z0-9-]+-archive-bucket>/, 'archive-bucket')
      .replace(/^<ArchiveBucket>/, 'archive-bucket')
      .replace(/^arn:(<AWS::Partition>|aws):s3:::<cdk-[^>]*>/, "the CDK's assets")
      // Named after its content.
      .replace(/[0-9a-f]{64}\.zip$/, '<bundle>.zip')
      .replace('<AWS::Partition>:', 'aws:')
      .replace('<AWS::Region>:<AWS::AccountId>', '')
  )
}

function flat(resource: unknown): string {
  if (typeof resource === 'string') return resource
  const [[name, argument] = ['', undefined]] = Object.entries(resource ?? {})
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].map(flat).join('')
  if (name === 'Fn::GetAtt') return `<${named((argument as string[])[0])}>`
  if (name === 'Fn::Select') return '<name>'
  return `<${named(String(argument))}>`
}

/** A logical id without what CDK appends. */
export function named(logicalId = ''): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '')
}
