import { NodeOffline, PrivilegeMissing, RequestRejected } from '../../contracts/errors.ts'
import type { ConfigurationPart } from '../../contracts/site-configuration.ts'
import type { SiteConfigurations } from '../capabilities/site-configuration.ts'
import type { ApiClient } from './client.ts'
import { type ConfigurationSource, configurationSources } from './configuration-parts.ts'
import { holdsOnAll, type Permissions } from './privileges.ts'
import { configurationSchema, nodeRowsSchema, permissionsSchema } from './schemas.ts'

type Row = Readonly<Record<string, unknown>>
interface Asked {
  /** `null` where the platform has nothing to say, or nothing for us. */
  data: Row | readonly Row[] | null
  refused?: string
}

/** The name of the one entry of a part that isn't a list. */
const ALL = 'all'
/** A digest only says whether an answer is another one. */
const ALWAYS_PASSING = ['digest']

/** @param version as the platform says it */
export function openSiteConfiguration(client: ApiClient, version: () => Promise<string>): SiteConfigurations {
  return {
    async read() {
      const about = client.about('read the configuration of the site')
      const { data: permissions } = await client.get('/access/permissions', permissionsSchema, about)
      const { data: nodes } = await client.get('/nodes', nodeRowsSchema, about)
      const parts: ConfigurationPart[] = []
      // One after the other: it runs beside backups, and the API has three workers.
      for (const source of configurationSources(await version())) {
        parts.push(
          await partOf(
            source,
            nodes.map(({ node }) => node),
            permissions,
          ),
        )
      }
      return parts
    },
  }

  async function partOf(
    source: ConfigurationSource,
    nodes: readonly string[],
    held: Permissions,
  ): Promise<ConfigurationPart> {
    const { part, what } = source
    const entries: Record<string, unknown> = {}
    const refused: string[] = []
    for (const { path, above } of await pathsOf(source, nodes, refused)) {
      const asked = await ask(path)
      if (asked.refused !== undefined) refused.push(asked.refused)
      Object.assign(entries, entriesOf(source, asked.data, above))
    }
    const reason = refused[0] ?? hiddenBy(source, held)
    return { part, what, entries, ...(reason === undefined ? {} : { incomplete: reason }) }
  }

  /** One path, or one for each node or each entry of a list. */
  async function pathsOf({ path, of, name }: ConfigurationSource, nodes: readonly string[], refused: string[]) {
    if (path.includes('{node}')) {
      return nodes.map((node) => ({ path: path.replace('{node}', encodeURIComponent(node)), above: node }))
    }
    if (of === undefined) return [{ path, above: undefined }]
    const listed = await ask(of)
    if (listed.refused !== undefined) refused.push(listed.refused)
    return rowsOf(listed.data).flatMap((row) => {
      const entry = row[name ?? '']
      if (typeof entry !== 'string') return []
      return [{ path: path.replace('{entry}', encodeURIComponent(entry)), above: entry }]
    })
  }

  /** What is refused, or what a node that is off doesn't say, leaves a gap with its reason; everything else is thrown. */
  async function ask(path: string): Promise<Asked> {
    try {
      const { data } = await client.get(path, configurationSchema, client.about(`read ${path}`))
      return { data }
    } catch (error) {
      const leavesGap =
        error instanceof PrivilegeMissing || error instanceof RequestRejected || error instanceof NodeOffline
      if (!leavesGap) throw error
      return { data: null, refused: error.message }
    }
  }
}

function isList(data: Row | readonly Row[]): data is readonly Row[] {
  return Array.isArray(data)
}

function rowsOf(data: Asked['data']): readonly Row[] {
  if (data === null) return []
  return isList(data) ? data : [data]
}

/** A list whose rows have names is an entry for each; any other answer is one entry, as it came. */
function entriesOf({ name, of, passing = [] }: ConfigurationSource, data: Asked['data'], above?: string) {
  const dropped = new Set([...passing, ...ALWAYS_PASSING])
  const lasting = (row: Row) => Object.fromEntries(Object.entries(row).filter(([field]) => !dropped.has(field)))
  if (data === null) return {}
  if (name === undefined || of !== undefined) {
    return { [above ?? ALL]: isList(data) ? data.map(lasting) : lasting(data) }
  }
  return Object.fromEntries(
    rowsOf(data).map((row, index) => {
      const named = row[name]
      const own = typeof named === 'string' || typeof named === 'number' ? `${named}` : `${index}`
      return [above === undefined ? own : `${above}/${own}`, lasting(row)]
    }),
  )
}

/** Lists that the platform filters in silence are whole only for an account with these rights. */
function hiddenBy({ what, needs }: ConfigurationSource, held: Permissions): string | undefined {
  const lacking = needs.filter(({ privilege, path }) => !holdsOnAll(held, privilege, path))
  if (lacking.length === 0) return undefined
  const rights = lacking.map(({ privilege, path }) => `${privilege} on ${path}`).join(' and ')
  return `${what} may be missing: the account lacks ${rights}.`
}
