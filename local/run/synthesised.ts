/** Reads what `cdk synth` wrote, so that this machine runs the very definitions and bundles that a deployment would. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { type WorkflowKey, workflowNames } from '../../lib/workflow-names.ts'
import { readRoles, type SynthesisedRoles } from './synthesised-roles.ts'
import {
  AssemblyError,
  functionArn,
  machineArn,
  type Resolver,
  type Template,
  templateSchema,
  text,
} from './template-values.ts'

export { AssemblyError } from './template-values.ts'

/** A state machine definition in the Amazon States Language. */
export type Definition = Record<string, unknown>

export interface SynthesisedFunction {
  stem: string
  /** Absolute path of the bundle's folder. */
  directory: string
  /** `index.handler`: file without extension, then the exported name. */
  handler: string
  /** As the template says, with the bucket's name filled in. A runner lays its own values over these. */
  environment: Record<string, string>
  memoryMiB: number
  timeoutSeconds: number
}

/** A project of AWS CodeBuild: what a build of it runs, and where. */
export interface SynthesisedBuild {
  /** As definitions name it. */
  name: string
  /** Absolute path of what CodeBuild unpacks as the source. */
  directory: string
  /** Shell commands, in order. */
  commands: string[]
  environment: Record<string, string>
  timeoutSeconds: number
}

export interface Assembly {
  machines: Record<WorkflowKey, Definition>
  /** By stem, as `copy-parts`. */
  functions: Record<string, SynthesisedFunction>
  /** By name. */
  builds: Record<string, SynthesisedBuild>
  roles: SynthesisedRoles
}

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({ type: z.string(), properties: z.object({ templateFile: z.string().optional() }).optional() }),
  ),
})
const assetsSchema = z.object({
  files: z.record(z.string(), z.object({ source: z.object({ path: z.string().optional() }) })),
})
const functionSchema = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  MemorySize: z.int(),
  Timeout: z.int(),
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional(),
})

const projectSchema = z.object({
  Name: z.string(),
  Source: z.object({ Location: z.unknown(), BuildSpec: z.string() }),
  Environment: z.object({
    EnvironmentVariables: z.array(z.object({ Name: z.string(), Value: z.unknown() })).default([]),
  }),
  TimeoutInMinutes: z.int(),
})
/** A build specification is YAML; ours is JSON. */
const buildSpecSchema = z.object({ phases: z.object({ build: z.object({ commands: z.array(z.string()).min(1) }) }) })

/** The stem of the function that a Task's `FunctionName` means: `arn:…:function:copy-parts` → `copy-parts`. */
export function stemOf(functionName: string): string {
  const start = functionArn('')
  if (!functionName.startsWith(start)) throw new AssemblyError(`${functionName} is not a function of the assembly`)
  return functionName.slice(start.length)
}

/** The workflow that an ARN of a state machine means, as `machineArn` makes them. */
export function workflowOf(stateMachineArn: string): WorkflowKey {
  const found = Object.keys(workflowNames).find((key) => machineArn(key as WorkflowKey) === stateMachineArn)
  if (found === undefined) throw new AssemblyError(`${stateMachineArn} is not a workflow of the assembly`)
  return found as WorkflowKey
}

/**
 * Read all workflows and all bundles from a cloud assembly.
 * Functions appear in the definitions by an ARN that `stemOf` reads; the archive bucket by the name that is given.
 * @param directory usually `cdk.out`
 * @throws AssemblyError
 */
export async function readAssembly(directory: string, options: { archiveBucket: string }): Promise<Assembly> {
  const manifest = await readJson(directory, 'manifest.json', manifestSchema)
  const files = Object.values(manifest.artifacts)
    .filter(({ type }) => type === 'aws:cloudformation:stack')
    .flatMap(({ properties }) => properties?.templateFile ?? [])
  const stacks = await Promise.all(
    files.map(async (file) => ({
      template: await readJson(directory, file, templateSchema),
      assets: await readJson(directory, file.replace(/\.template\.json$/, '.assets.json'), assetsSchema),
    })),
  )
  const exported = new Map(
    stacks.flatMap(({ template }) =>
      Object.values(template.Outputs).flatMap(({ Value, Export }) =>
        Export ? [[Export.Name, { template, Value }]] : [],
      ),
    ) as [string, { template: Template; Value: unknown }][],
  )
  const resolver: Resolver = { archiveBucket: options.archiveBucket, exported }

  const machines = new Map<unknown, Definition>()
  const functions: Record<string, SynthesisedFunction> = {}
  const builds: Record<string, SynthesisedBuild> = {}
  for (const { template, assets } of stacks) {
    for (const { Properties, Metadata } of Object.values(template.Resources)) {
      const workflow = Metadata['guestlift:workflow']
      if (workflow !== undefined) {
        machines.set(workflow, JSON.parse(text(Properties['DefinitionString'], template, resolver)) as Definition)
      }
      const stem = Metadata['guestlift:stem']
      if (typeof stem === 'string') {
        const { Code, Handler, MemorySize, Timeout, Environment } = functionSchema.parse(Properties)
        const path = bundlePath(Code.S3Key, assets)
        if (path === undefined) throw new AssemblyError(`${directory} holds no bundle for ${stem}; synthesise it anew`)
        const variables = Object.entries(Environment?.Variables ?? {})
        functions[stem] = {
          stem,
          directory: resolve(directory, path),
          handler: Handler,
          environment: Object.fromEntries(variables.map(([name, value]) => [name, text(value, template, resolver)])),
          memoryMiB: MemorySize,
          timeoutSeconds: Timeout,
        }
      }
      const runner = Metadata['guestlift:runner']
      if (typeof runner === 'string') {
        const { Name: name, Source, Environment, TimeoutInMinutes } = projectSchema.parse(Properties)
        const path = bundlePath(text(Source.Location, template, resolver).split('/').at(-1) ?? '', assets)
        if (path === undefined)
          throw new AssemblyError(`${directory} holds no bundle for ${runner}; synthesise it anew`)
        const variables = Environment.EnvironmentVariables.map(({ Name, Value }) => [
          Name,
          text(Value, template, resolver),
        ])
        builds[name] = {
          name,
          directory: resolve(directory, path),
          commands: buildSpecSchema.parse(JSON.parse(Source.BuildSpec)).phases.build.commands,
          environment: Object.fromEntries(variables),
          timeoutSeconds: TimeoutInMinutes * 60,
        }
      }
    }
  }
  const lacking = new AssemblyError(`${directory} lacks the workflows of Guestlift; synthesise it anew: npm run synth`)
  const named = Object.entries(workflowNames).map(([key, name]) => {
    const machine = machines.get(name)
    if (machine === undefined) throw lacking
    return [key, machine] as const
  })
  const roles = readRoles(
    stacks.map(({ template }) => template),
    { ...resolver, anyResource: true },
  )
  if (named.some(([key]) => roles.machines[key as WorkflowKey] === undefined)) throw lacking
  return { machines: Object.fromEntries(named) as Record<WorkflowKey, Definition>, functions, builds, roles }
}

/** Where the files lie that are uploaded under a key, from the assembly's folder. */
function bundlePath(s3Key: string, { files }: z.output<typeof assetsSchema>): string | undefined {
  return files[s3Key.replace(/\.zip$/, '')]?.source.path
}

async function readJson<Schema extends z.ZodType>(
  directory: string,
  file: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const path = join(directory, file)
  let content: unknown
  try {
    content = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new AssemblyError(`${path} can't be read; write it with: npm run synth`, { cause })
  }
  const parsed = schema.safeParse(content)
  if (!parsed.success) throw new AssemblyError(`${path} is not what cdk synth writes: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}
