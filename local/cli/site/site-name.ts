/** Where a site's name comes from: one rule for every command. */
import { basename, extname } from 'node:path'
import { siteNameSchema } from '../../../functions/contracts/nouns.ts'
import { UsageError } from '../../run/cli-error.ts'

/** Everything that may name the site that a command is about. */
export interface NameSources {
  /** An option of the command, which takes the name itself. */
  option?: string | undefined
  /** The job's `site`. */
  job?: string | undefined
  /** The site file: its path, and its content as JSON text. */
  file?: { path: string; json: string } | undefined
  /** What settings name: it counts where nothing above does. */
  usual?: string | undefined
}

export interface SiteName {
  name: string
  /** Somebody wrote it down as the site's name. Else it is what the file is called, which may be anything. */
  told: boolean
}

/**
 * The name that the option, the job or the site file's own `"name"` tells. Where several do, they have to agree. Only
 * where none does, what settings name counts, and else the file's name.
 * @throws UsageError when two names are told, or none can be found
 */
export function siteNameFrom({ option, job, file, usual }: NameSources): SiteName {
  const told = [
    { name: option, by: 'the command line' },
    { name: job, by: 'the job' },
    { name: file === undefined ? undefined : ownName(file.json), by: `"name" in ${file?.path}` },
  ].flatMap(({ name, by }) => (name === undefined ? [] : [{ name, by }]))
  const [first] = told
  const other = told.find(({ name }) => name !== first?.name)
  if (first !== undefined && other !== undefined) {
    throw new UsageError(
      `The site has two names: ${first.by} says ${first.name}, ${other.by} says ${other.name}. ` +
        'Keys and claims are by name, so both have to be the same.',
    )
  }
  if (first !== undefined) return { name: first.name, told: true }
  if (usual !== undefined) return { name: usual, told: true }
  if (file === undefined) throw new UsageError('Nothing says which site is meant: name it, or give its file.')
  return { name: nameOfFile(file.path), told: false }
}

function ownName(json: string): string | undefined {
  const { name } = JSON.parse(json) as { name?: string }
  return name
}

/** The file's name, as far as it can be a site's. */
function nameOfFile(path: string): string {
  const name = basename(path, extname(path))
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '')
  return siteNameSchema.safeParse(name).success ? name : 'site'
}
