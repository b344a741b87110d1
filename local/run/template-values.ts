/** Values of a synthesised template as plain text, with this machine's stand-ins for what only a deployment has. */
import { z } from 'zod'
import { type WorkflowKey, workflowNames } from '../../lib/workflow-names.ts'

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.record(z.string(), z.unknown()).default({}),
})
export const templateSchema = z.object({
  Resources: z.record(z.string(), resourceSchema),
  Outputs: z
    .record(z.string(), z.object({ Value: z.unknown(), Export: z.object({ Name: z.string() }).optional() }))
    .default({}),
})
export type Template = z.output<typeof templateSchema>

/** The cloud assembly is missing, incomplete, or refers to something that this reader doesn't know. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError'
}

export interface Resolver {
  archiveBucket: string
  exported: ReadonlyMap<string, { template: Template; Value: unknown }>
  /** Policies name much that nothing here stands for; it gets an ARN that is like no other. */
  anyResource?: boolean
}

/** The interpreter's own, which ARNs of executions in the bucket have. */
const REGION = 'local'
const ACCOUNT = '000000000000'
const pseudoParameters: ReadonlyMap<string, string> = new Map([
  ['AWS::Partition', 'aws'],
  ['AWS::Region', REGION],
  ['AWS::AccountId', ACCOUNT],
])

export const localArn = (service: string, resource: string): string =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`

/** As the definitions name a function, and policies too. */
export const functionArn = (stem: string): string => localArn('lambda', `function:${stem}`)
export const projectArn = (name: string): string => localArn('codebuild', `project/${name}`)
/** @param key as this machine runs it */
export const machineArn = (key: WorkflowKey): string => localArn('states', `stateMachine:${key}`)

/** A template's value as plain text: strings, joins, and references. @throws AssemblyError */
export function text(value: unknown, template: Template, resolver: Resolver): string {
  if (typeof value === 'string') return value
  const [[name, argument] = ['', undefined]] = Object.entries(value ?? {})
  const inner = (each: unknown): string => text(each, template, resolver)
  if (name === 'Fn::Join' && Array.isArray(argument)) {
    const [separator, pieces] = argument as [string, unknown[]]
    return pieces.map(inner).join(separator)
  }
  if (name === 'Fn::Select' && Array.isArray(argument)) {
    const [index, { 'Fn::Split': [separator = '', whole] = [] }] = argument as [
      number,
      { 'Fn::Split'?: [string, unknown] },
    ]
    const piece = inner(whole).split(separator)[index]
    if (piece !== undefined) return piece
  }
  if (name === 'Fn::Sub' && typeof argument === 'string') {
    return argument.replaceAll(/\$\{([^}]+)\}/g, (_, reference: string) => inner({ Ref: reference }))
  }
  if (name === 'Fn::ImportValue' && typeof argument === 'string') {
    const found = resolver.exported.get(argument)
    if (found !== undefined) return text(found.Value, found.template, resolver)
  }
  if (name === 'Ref' && typeof argument === 'string') {
    const found = pseudoParameters.get(argument) ?? referenced(argument, template, resolver)
    if (found !== undefined) return found
  }
  if (name === 'Fn::GetAtt' && Array.isArray(argument) && argument[1] === 'Arn') {
    const found = arnOf(String(argument[0]), template, resolver)
    if (found !== undefined) return found
  }
  throw new AssemblyError(`Nothing on this machine stands for ${JSON.stringify(value)}`)
}

function referenced(id: string, template: Template, resolver: Resolver): string | undefined {
  const { Type, Properties } = template.Resources[id] ?? {}
  if (Type === 'AWS::S3::Bucket') return resolver.archiveBucket
  if (Type === 'AWS::CodeBuild::Project' && typeof Properties?.['Name'] === 'string') return Properties['Name']
  // What `Ref` gives of these is an ARN.
  return arnOf(id, template, resolver)
}

function arnOf(id: string, template: Template, resolver: Resolver): string | undefined {
  const { Type = '', Properties, Metadata } = template.Resources[id] ?? {}
  const stem = Metadata?.['guestlift:stem']
  if (typeof stem === 'string') return functionArn(stem)
  const workflow = keyOf(Metadata?.['guestlift:workflow'])
  if (workflow !== undefined) return machineArn(workflow)
  if (Type === 'AWS::S3::Bucket') return `arn:aws:s3:::${resolver.archiveBucket}`
  if (Type === 'AWS::CodeBuild::Project' && typeof Properties?.['Name'] === 'string')
    return projectArn(Properties['Name'])
  if (resolver.anyResource !== true || Type === '') return undefined
  return localArn(Type.split('::')[1]?.toLowerCase() ?? '', id)
}

/** The key of a workflow by its name, as templates have it in their metadata. */
export function keyOf(workflowName: unknown): WorkflowKey | undefined {
  const [key] = Object.entries(workflowNames).find(([, name]) => name === workflowName) ?? []
  return key as WorkflowKey | undefined
}
