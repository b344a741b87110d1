/** Tasks of this account on all nodes, for people who want to see, follow and stop them. */
import { GuestliftError, NodeOffline } from '../../contracts/errors.ts'
import type { OwnJob, PlatformTasks } from '../capabilities/tasks.ts'
import type { UnreadPlace } from '../capabilities/archives-on-platform.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { mayBeSince } from './clock.ts'
import type { Upid } from './identifiers.ts'
import { parseUpid } from './identifiers.ts'
import { nodeRowsSchema, ownTaskRowsSchema } from './schemas.ts'
import { requireUpid, type TaskReader } from './tasks.ts'

/** Of one node. Its own list holds about a thousand. */
const MOST_TASKS = 1000

export function openOwnTasks(client: ApiClient, tasks: TaskReader, siteName: string): Omit<PlatformTasks, 'log'> {
  async function listAt(node: string, since: Date): Promise<OwnJob[]> {
    const about = client.about('list its tasks', { node })
    const query = apiQuery({
      // The default, `archive`, leaves out what still runs.
      source: 'all',
      // No `since`: it would be compared with the node's clock, and leave out what still runs.
      limit: MOST_TASKS,
    })
    const { data, timing } = await client.get(apiPath`/nodes/${node}/tasks` + query, ownTaskRowsSchema, about)
    return data.flatMap(({ upid: text, status, endtime }) => {
      const upid = parseUpid(text)
      if (upid === undefined || upid.user !== client.account) return []
      const running = endtime === undefined && (status === undefined || status.toUpperCase() === 'RUNNING')
      if (!running && !mayBeSince(upid, since, timing)) return []
      return [
        {
          ...jobOf(text, upid, running),
          ...(endtime === undefined ? {} : { endedAt: new Date(endtime * 1000).toISOString() }),
          ...(running || status === undefined ? {} : { exitStatus: status }),
        },
      ]
    })
  }

  return {
    async list(since) {
      const about = client.about('look for the nodes')
      const { data: nodes } = await client.get('/cluster/resources?type=node', nodeRowsSchema, about)
      const unread: UnreadPlace[] = []
      const jobs: OwnJob[] = []
      for (const { node, status } of nodes) {
        try {
          if (status === 'offline') throw new NodeOffline(`Site ${siteName}, node ${node}: the node is offline.`)
          jobs.push(...(await listAt(node, since)))
        } catch (error) {
          if (!(error instanceof GuestliftError) || error.group === 'fail-run') throw error
          unread.push({ node, reason: error.message })
        }
      }
      return { jobs: jobs.toSorted((one, other) => other.startedAt.localeCompare(one.startedAt)), unread }
    },
    async describe(jobRef) {
      const upid = requireUpid(jobRef, siteName)
      const { running, exitStatus } = await tasks.state(jobRef)
      return {
        ...jobOf(jobRef, upid, running),
        ...(exitStatus === undefined ? {} : { exitStatus }),
        startedBy: upid.user,
      }
    },
  }
}

function jobOf(jobRef: string, { node, type, id, startTime }: Upid, running: boolean): OwnJob {
  // `100`, `100@store` for a removal, `@store`, or a name.
  const guestId = /^(\d+)(?:@|$)/.exec(id)?.[1]
  return {
    jobRef,
    node,
    type,
    ...(guestId === undefined ? {} : { guestId }),
    startedAt: new Date(startTime * 1000).toISOString(),
    running,
  }
}
