/** Reads and follows tasks, whatever they do. */
import { PlatformUnavailable, RequestRejected } from '../../contracts/errors.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { where } from './errors.ts'
import { parseUpid, type Upid } from './identifiers.ts'
import { logLinesSchema, taskStatusSchema } from './schemas.ts'

export interface TaskState {
  running: boolean
  /** Once it has ended. */
  exitStatus?: string
}

export interface TaskReader {
  state(upidText: string): Promise<TaskState>
  /** All lines. */
  log(upidText: string): Promise<string[]>
  /** The first `count` lines. */
  logHead(upidText: string, count: number): Promise<string[]>
  /** About the last `count` lines. */
  logTail(upidText: string, count: number): Promise<string[]>
  /** Look until it has ended. @throws PlatformUnavailable when it hasn't after `timeoutSeconds` */
  waitForEnd(upidText: string, timeoutSeconds: number): Promise<TaskState>
}

/** @throws RequestRejected for a text that is no UPID: it would be one that this program stored wrongly */
export function requireUpid(text: string, site: string): Upid {
  const upid = parseUpid(text)
  if (upid === undefined) throw new RequestRejected(`Site ${site}: "${text}" is no job of this platform.`)
  return upid
}

export function openTaskReader(
  client: ApiClient,
  site: string,
  sleep: (milliseconds: number) => Promise<void>,
): TaskReader {
  /** A task is asked for at the node in its UPID: another node answers "no such task". */
  function place(upidText: string, doing: string) {
    const { node, id } = requireUpid(upidText, site)
    const about = client.about(doing, id === '' || id.includes('@') ? { node } : { node, guest: id })
    return { path: apiPath`/nodes/${node}/tasks/${upidText}`, about }
  }

  async function state(upidText: string): Promise<TaskState> {
    const { path, about } = place(upidText, 'read the state of a task')
    const { data } = await client.get(`${path}/status`, taskStatusSchema, about)
    if (data.status === 'running') return { running: true }
    return data.exitstatus === undefined ? { running: false } : { running: false, exitStatus: data.exitstatus }
  }

  async function logPage(upidText: string, start: number, limit: number) {
    const { path, about } = place(upidText, "read a task's log")
    return client.get(`${path}/log${apiQuery({ limit, start })}`, logLinesSchema, about)
  }

  return {
    state,
    // A limit of 0 means all; without one there are 50.
    log: async (upidText) => (await logPage(upidText, 0, 0)).data,
    logHead: async (upidText, count) => (await logPage(upidText, 0, count)).data,
    async logTail(upidText, count) {
      const head = await logPage(upidText, 0, count)
      const total = head.total ?? head.data.length
      return total <= count ? head.data : (await logPage(upidText, total - count, count)).data
    },
    async waitForEnd(upidText, timeoutSeconds) {
      for (let waited = 0; ; waited += 1) {
        const now = await state(upidText)
        if (!now.running) return now
        if (waited >= timeoutSeconds) {
          const { about } = place(upidText, 'wait for a task')
          throw new PlatformUnavailable(`${where(about)}: task ${upidText} still runs after ${timeoutSeconds} s.`)
        }
        await sleep(1000)
      }
    },
  }
}
