import { GuestliftError, SourceUnreadable } from '../../contracts/errors.ts'
import type { Job } from '../../contracts/job.ts'
import { type Finding, failed, passed, unchecked } from '../../domain/doctor/finding.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Route } from '../../readers/reader.ts'
import type { NodeLook } from '../foresight/look-at-node.ts'
import type { Ports } from '../ports.ts'
import { testRoutes } from '../run/test-routes.ts'
import { readFirstByte } from './read-first-byte.ts'

export type NodePorts = Pick<Ports, 'now' | 'sleep' | 'timer' | 'log'> &
  Partial<Pick<Ports, 'store' | 'keyPrefix'>> & {
    /** The site's route, where its platform has one. */
    route(): Promise<Route>
  }

/** A route after its test: the nodes by the end that serves them, and why an end can't be used. */
export interface TestedRoutes {
  route: Route
  ends: { end: string; nodes: [string, ...string[]]; refusal?: GuestliftError }[]
}

/** Test the way to each node, as a run does. A finding where there is nothing to test, or no usable route. */
export async function tryRoutes(
  { site, backup }: Job,
  nodes: readonly string[],
  provider: Provider,
  ports: NodePorts,
): Promise<TestedRoutes | Finding | undefined> {
  if (!provider.traits.route) return undefined
  if (nodes.length === 0) return unchecked('route', 'There is no node to try it with.')
  try {
    const route = await ports.route()
    const refusals = await testRoutes({ site, nodes, storage: backup.storage }, route, provider, ports)
    // Nodes that one end serves have one answer.
    const ends = [...Map.groupBy(nodes, (node) => route.endOf(node))].map(([end, [first = '', ...others]]) => {
      const refusal = refusals.get(first)
      const served: [string, ...string[]] = [first, ...others]
      return { end, nodes: served, ...(refusal === undefined ? {} : { refusal }) }
    })
    return { route, ends }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return failed('route', error)
  }
}

/** What the test says of each end; where it is right, a byte of an archive is read over it. */
export async function routeFindings(
  tested: TestedRoutes | Finding | undefined,
  looks: readonly { node: string; look: NodeLook }[],
  provider: Provider,
  ports: NodePorts,
): Promise<Finding[]> {
  if (tested === undefined) return []
  if (!('ends' in tested)) return [tested]
  const { route, ends } = tested
  return Promise.all(
    ends.map(async ({ end, nodes, refusal }) => {
      const at = nodes.join(', ')
      const { place } = looks.find(({ node }) => node === nodes[0])?.look ?? {}
      if (place?.obstacle !== undefined && (refusal === undefined || refusal instanceof SourceUnreadable)) {
        return unchecked('route', `${end} answers; there is no storage whose files it could be tried with.`)
      }
      if (refusal !== undefined) return failed('route', refusal, at)
      try {
        const where = { node: nodes[0], storage: place?.storage?.storage ?? '' }
        const read = await readFirstByte(where, route, provider, ports)
        return passed('route', `${end} ${read ? 'gives a byte of an archive' : 'can be logged in to'}`, at)
      } catch (error) {
        if (!(error instanceof GuestliftError)) throw error
        return failed('route', error, at)
      }
    }),
  )
}
