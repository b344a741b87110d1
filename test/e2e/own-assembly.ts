import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface FunctionChanges {
  /** By stem, as `copy-parts`. */
  limits?: Readonly<Record<string, { timeoutSeconds?: number; memoryMiB?: number }>>
  /**
   * How many times faster the workflow's clock runs. Its time limits are so many times as long, and what a function sleeps
   * passes so many times faster.
   */
  haste?: number
  /** A module that each function's process loads before its bundle. */
  preload?: URL
  /** Other definitions of workflows, by their names: what another configuration makes of them. */
  definitions?: Readonly<Record<string, unknown>>
  /** Resources in place of those of the same logical id: policies of another configuration, whose bundles are the same. */
  policies?: Readonly<Record<string, Resource>>
  /** Actions that the roles of functions lose, by stem: what a deployment would be like that grants too little. */
  withoutRights?: Readonly<Record<string, string>>
}

/** Amazon States Language, "TimeoutSeconds". */
const LONGEST_SECONDS = 99_999_999

export interface Resource {
  Type?: string
  Metadata?: Record<string, unknown>
  Properties?: Record<string, unknown> & { Environment?: { Variables?: Record<string, unknown> } }
}

/**
 * A copy of a synthesised app with links to its bundles. The links' paths are in the command lines of the functions'
 * processes, so that ending those of one site leaves other sites' alone.
 */
export async function ownAssembly(assembly: string, directory: string, changes: FunctionChanges): Promise<string> {
  await mkdir(directory, { recursive: true })
  for (const name of await readdir(assembly)) {
    const from = join(assembly, name)
    if (name.startsWith('asset.')) await symlink(from, join(directory, name))
    else if (name.endsWith('.template.json'))
      await writeFile(join(directory, name), changed(await readFile(from, 'utf8'), changes))
    else if (name.endsWith('.json')) await writeFile(join(directory, name), await readFile(from))
  }
  return directory
}

function changed(
  template: string,
  { limits = {}, preload, haste = 1, definitions = {}, policies = {}, withoutRights = {} }: FunctionChanges,
): string {
  // The definitions are JSON in strings of the template's JSON.
  const patient = template.replaceAll(
    /\\"TimeoutSeconds\\":(\d+)/g,
    (_, seconds: string) => `\\"TimeoutSeconds\\":${Math.min(Number(seconds) * haste, LONGEST_SECONDS)}`,
  )
  const { Resources, ...rest } = JSON.parse(patient) as { Resources: Record<string, Resource> }
  for (const id of Object.keys(Resources)) {
    const other = policies[id]
    if (/^AWS::IAM::(Managed)?Policy$/.test(other?.Type ?? '') && other !== undefined) Resources[id] = other
  }
  // What such a policy may be about.
  for (const [id, other] of Object.entries(policies)) if (other.Type === 'AWS::S3::Bucket') Resources[id] ??= other
  for (const [stem, action] of Object.entries(withoutRights)) dropRight(Resources, stem, action)
  for (const { Metadata = {}, Properties = {} } of Object.values(Resources)) {
    const definition = definitions[String(Metadata['guestlift:workflow'])]
    if (definition !== undefined) Properties['DefinitionString'] = JSON.stringify(definition)
    const stem = Metadata['guestlift:stem']
    if (typeof stem !== 'string') continue
    const { timeoutSeconds, memoryMiB } = limits[stem] ?? {}
    if (timeoutSeconds !== undefined) Properties['Timeout'] = timeoutSeconds
    if (memoryMiB !== undefined) Properties['MemorySize'] = memoryMiB
    const variables = Properties.Environment?.Variables
    if (variables === undefined) continue
    const { NODE_OPTIONS } = variables
    variables['NODE_OPTIONS'] = [
      ...(typeof NODE_OPTIONS === 'string' ? [NODE_OPTIONS] : []),
      ...(haste === 1 ? [] : [`--import ${new URL(`hasty-sleeps.ts?haste=${haste}`, import.meta.url).href}`]),
      ...(preload === undefined ? [] : [`--import ${preload.href}`]),
    ].join(' ')
  }
  return JSON.stringify({ Resources, ...rest })
}

interface PolicyProperties {
  PolicyDocument: { Statement: { Action: string | string[] }[] }
  Roles?: unknown[]
}

/** Takes an action out of every statement of a function's own policy. */
function dropRight(resources: Record<string, Resource>, stem: string, action: string): void {
  const owner = Object.values(resources).find(({ Metadata }) => Metadata?.['guestlift:stem'] === stem)
  const [roleId = ''] = (owner?.Properties?.['Role'] as { 'Fn::GetAtt'?: string[] } | undefined)?.['Fn::GetAtt'] ?? []
  for (const { Type, Properties } of Object.values(resources)) {
    if (Type !== 'AWS::IAM::Policy' || roleId === '') continue
    const { PolicyDocument, Roles = [] } = Properties as unknown as PolicyProperties
    if (!JSON.stringify(Roles).includes(`"${roleId}"`)) continue
    PolicyDocument.Statement = PolicyDocument.Statement.map((statement) => ({
      ...statement,
      Action: [statement.Action].flat().filter((each) => each !== action),
    })).filter(({ Action }) => Action.length > 0)
  }
}
