import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface FunctionChanges {
  /** By stem, as `copy-parts`. */
  limits?: Readonly<Record<string, { timeoutSeconds?: number; memoryMiB?: number }>>
  /** The workflow's time limits are so many times as long: what a clock that runs faster takes from them. */
  longerTimeLimits?: number
  /** A module that each function's process loads before its bundle. */
  preload?: URL
  /** Other definitions of workflows, by their names: what another configuration makes of them. */
  definitions?: Readonly<Record<string, unknown>>
}

interface Resource {
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
  { limits = {}, preload, longerTimeLimits = 1, definitions = {} }: FunctionChanges,
): string {
  // The definitions are JSON in strings of the template's JSON.
  const patient = template.replaceAll(
    /\\"TimeoutSeconds\\":(\d+)/g,
    (_, seconds: string) => `\\"TimeoutSeconds\\":${Number(seconds) * longerTimeLimits}`,
  )
  const { Resources, ...rest } = JSON.parse(patient) as { Resources: Record<string, Resource> }
  for (const { Metadata = {}, Properties = {} } of Object.values(Resources)) {
    const definition = definitions[String(Metadata['guestlift:workflow'])]
    if (definition !== undefined) Properties['DefinitionString'] = JSON.stringify(definition)
    const stem = Metadata['guestlift:stem']
    if (typeof stem !== 'string') continue
    const { timeoutSeconds, memoryMiB } = limits[stem] ?? {}
    if (timeoutSeconds !== undefined) Properties['Timeout'] = timeoutSeconds
    if (memoryMiB !== undefined) Properties['MemorySize'] = memoryMiB
    const variables = Properties.Environment?.Variables
    if (preload === undefined || variables === undefined) continue
    const { NODE_OPTIONS } = variables
    variables['NODE_OPTIONS'] =
      `${typeof NODE_OPTIONS === 'string' ? NODE_OPTIONS : ''} --import ${preload.href}`.trim()
  }
  return JSON.stringify({ Resources, ...rest })
}
