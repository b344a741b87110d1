/** What a synthesised template lets whom do, for people and tests to read. Pure. */
import { z } from 'zod'

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

/** Everything that the policies of a role say, inline and shared ones, by the role's logical id. */
export function rightsOfRoles({ Resources }: Template): Map<string, Right[]> {
  const all = Object.entries(Resources)
  const inline = all.flatMap(([, { Type, Properties }]) => (Type === 'AWS::IAM::Policy' ? [Properties] : []))
  return new Map(
    all.flatMap(([id, { Type, Properties }]) => {
      if (Type !== 'AWS::IAM::Role') return []
      const attached = references(Properties['ManagedPolicyArns']).map((policy) => {
        const found = Resources[policy]
        if (found === undefined) throw new Error(`${id} holds a policy that the template lacks: ${policy}`)
        return found.Properties
      })
      const policies = [...inline.filter(({ Roles }) => references(Roles).includes(id)), ...attached]
      const rights = policies.flatMap(({ PolicyDocument }) => statementsOf(PolicyDocument)).flatMap(rightsOf)
      return [[id, rights] as const]
    }),
  )
}

const referenceSchema = z.object({ Ref: z.string() })

/** @throws ZodError for a policy of AWS's making, which no template shows */
function references(list: unknown): string[] {
  return z
    .array(referenceSchema)
    .parse(list ?? [])
    .map(({ Ref }) => Ref)
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
