import { NodeOffline } from '../../contracts/errors.ts'
import type { Job } from '../../contracts/job.ts'
import { type Finding, failed, unchecked, warning } from '../../domain/doctor/finding.ts'
import { clockFinding } from '../../domain/doctor/judge-clock.ts'
import { storageFinding } from '../../domain/doctor/judge-site.ts'
import { counted } from '../../domain/words/counted.ts'
import type { GuestRecord } from '../../providers/guest-facts.ts'
import type { Provider } from '../../providers/provider.ts'
import { lookAtNode, type NodeLook } from '../foresight/look-at-node.ts'
import { type NodePorts, routeFindings, tryRoutes } from './inspect-routes.ts'

/** Nodes that are looked at by themselves; the routes have a limit of their own. */
const LOOKED_AT_ONCE = 8

export interface NodesOrder {
  job: Job
  guests: readonly GuestRecord[]
  /** The account lacks a privilege, which may hide a storage from it. */
  lacksSome: boolean
}

/** Look at each node that holds one of the guests, as a run and its plan do before anything is dumped. */
export async function inspectNodes(
  { job, guests, lacksSome }: NodesOrder,
  provider: Provider,
  ports: NodePorts,
): Promise<Finding[]> {
  const byNode = Map.groupBy(guests, ({ node }) => node)
  const silent = [...byNode].filter(([, each]) => each.every(({ nodeOffline }) => nodeOffline))
  const nodes = [...byNode.keys()].filter((node) => !silent.some(([name]) => name === node)).toSorted()
  const [looks, tested] = await Promise.all([looksAt(job, nodes, provider), tryRoutes(job, nodes, provider, ports)])
  const storages = looks.flatMap(({ node, look }) => storageFindings(node, look, lacksSome))
  // Where each endpoint was asked itself, it has told its clock.
  const clocks = provider.endpoints === undefined ? looks.flatMap(({ node, look }) => clockOf(node, look)) : []
  return [
    ...silent.map(([node, each]) => offline(job.site, node, each.length)),
    ...clocks,
    ...storages,
    ...(await routeFindings(tested, looks, provider, ports)),
  ]
}

function offline(site: string, node: string, guests: number): Finding {
  const error = new NodeOffline(
    `Site ${site}, node ${node} doesn't answer, so ${counted(guests, 'guest')} on it can't be archived. ` +
      'Bring the node back, or leave its guests out of the job.',
  )
  return failed('node', error, node)
}

async function looksAt(
  { site, backup }: Job,
  nodes: readonly string[],
  provider: Provider,
): Promise<{ node: string; look: NodeLook }[]> {
  const looks: { node: string; look: NodeLook }[] = []
  for (let start = 0; start < nodes.length; start += LOOKED_AT_ONCE) {
    const some = nodes.slice(start, start + LOOKED_AT_ONCE)
    const look = async (node: string) => ({ node, look: await lookAtNode({ site, backup, node }, provider) })
    looks.push(...(await Promise.all(some.map(look))))
  }
  return looks
}

function storageFindings(
  node: string,
  { place: { storage, obstacle, notes } }: NodeLook,
  lacksSome: boolean,
): Finding[] {
  if (storage === undefined && lacksSome) return [unchecked('storage', 'First grant what the account lacks.')]
  if (obstacle !== undefined) {
    return [failed('storage', { name: 'StorageUnusable', message: obstacle.reason }, node)]
  }
  return [
    ...(storage === undefined ? [] : [storageFinding(storage, node)]),
    ...notes.map((note) => warning('storage', note, node)),
  ]
}

function clockOf(node: string, { clock, complaint }: NodeLook): Finding[] {
  return clock === undefined ? [] : [clockFinding(node, clock, complaint)]
}
