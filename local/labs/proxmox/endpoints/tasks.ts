/** Tasks: status, log, list, stopping. */
import { failure, parameterError } from '../api-error.ts'
import { ownsTask } from '../auth.ts'
import { may, require } from '../permissions.ts'
import { type Call, type Endpoint, RawAnswer, WithTotal } from '../rest.ts'
import { parseUpid, type Task, type Upid } from '../tasks.ts'

function upidOf({ values }: Call): Upid {
  const upid = parseUpid(values['upid'] ?? '')
  if (upid === undefined) throw parameterError({ upid: 'unable to parse worker upid' })
  return upid
}

/** Names split as the API shows them: a token's task has the user without the token, and the token beside it. */
function user(task: Upid): Record<string, string> {
  const [name = '', token] = task.user.split('!')
  return token === undefined ? { user: name } : { user: name, tokenid: token }
}

const identity = (task: Upid): Record<string, unknown> => ({
  upid: task.upid,
  node: task.node,
  pid: task.pid,
  pstart: task.pstart,
  starttime: task.starttime,
  type: task.type,
  id: task.id,
})

function requireView(call: Call, upid: Upid): void {
  const { world, caller } = call
  if (!ownsTask(caller.who, upid.user)) require(world.site, caller.who, `/nodes/${call.values['node']}`, 'Sys.Audit')
}

/** Finished tasks as the node's index has them, running ones as its list of active workers does. */
function listRow(task: Task): Record<string, unknown> {
  if (task.running) return { ...identity(task), user: task.user, status: 'RUNNING', saved: '0' }
  return { ...identity(task), ...user(task), endtime: task.endtime, status: task.status }
}

function kindOf(status: string): string {
  if (status === 'OK') return 'ok'
  if (status.startsWith('WARNINGS:')) return 'warning'
  return status === 'unexpected status' ? 'unknown' : 'error'
}

function matches(task: Task, values: Call['values']): boolean {
  const source = values['source'] ?? 'archive'
  if (source !== 'all' && (source === 'active') !== task.running) return false
  const status = task.status ?? 'RUNNING'
  if (values['errors'] === '1' && (task.running || status === 'OK' || status.startsWith('WARNINGS:'))) return false
  const kinds = values['statusfilter']?.toLowerCase().split(',')
  if (kinds !== undefined && !kinds.includes(kindOf(status))) return false
  if (values['typefilter'] !== undefined && task.type !== values['typefilter']) return false
  if (values['userfilter'] !== undefined && !task.user.toLowerCase().includes(values['userfilter'].toLowerCase()))
    return false
  if (values['vmid'] !== undefined && !new RegExp(`^${values['vmid']}(@|$)`).test(task.id)) return false
  if (values['since'] !== undefined && task.starttime < Number(values['since'])) return false
  return values['until'] === undefined || task.starttime <= Number(values['until'])
}

function list({ world, caller, values }: Call): unknown {
  const audits = may(world.site, caller.who, `/nodes/${values['node']}`, 'Sys.Audit')
  const all = world.tasks
    .all()
    .filter(
      (task) => task.node === values['node'] && (audits || ownsTask(caller.who, task.user)) && matches(task, values),
    )
  const start = Number(values['start'] ?? 0)
  const limit = Number(values['limit'] ?? 50)
  const page = all.slice(start, limit === 0 ? undefined : start + limit).map(listRow)
  return all.length === 0 ? page : new WithTotal(page, all.length)
}

function download(upid: Upid, lines: string[]): RawAnswer {
  const at = new Date(upid.starttime * 1000).toISOString().replace('.000', '')
  return new RawAnswer({
    status: 200,
    reason: 'OK',
    contentType: 'text/plain',
    headers: [['Content-Disposition', `attachment; filename="task-${upid.node}-${upid.type}-${at}.log"`]],
    body: lines.map((line) => `${line}\n`).join(''),
  })
}

function log(call: Call): unknown {
  const { world, values } = call
  const upid = upidOf(call)
  requireView(call, upid)
  const task = upid.node === values['node'] ? world.tasks.find(upid.upid) : undefined
  if (values['download'] === '1') {
    if (values['start'] !== undefined || values['limit'] !== undefined) {
      throw failure("'download' cannot be used together with 'start' or 'limit' parameters")
    }
    if (task === undefined) throw failure(`unable to open file - No such file or directory`)
    return download(upid, task.lines)
  }
  const empty = task === undefined ? 'unable to open file - No such file or directory' : 'no content'
  const lines = task === undefined || task.lines.length === 0 ? [empty] : task.lines
  const start = Number(values['start'] ?? 0)
  const limit = Number(values['limit'] ?? 50)
  const page = lines.slice(start, limit === 0 ? undefined : start + limit)
  return new WithTotal(
    page.map((t, index) => ({ n: start + index + 1, t })),
    lines.length,
  )
}

function status(call: Call): unknown {
  const upid = upidOf(call)
  requireView(call, upid)
  const task = upid.node === call.values['node'] ? call.world.tasks.find(upid.upid) : undefined
  if (task === undefined) throw parameterError({ upid: 'no such task' })
  return {
    ...identity(task),
    ...user(task),
    status: task.running ? 'running' : 'stopped',
    ...(task.running ? {} : { exitstatus: task.status }),
  }
}

const page = {
  start: { type: 'integer', minimum: 0 },
  limit: { type: 'integer', minimum: 0 },
} as const

export const taskEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/nodes/{node}/tasks',
    parameters: {
      ...page,
      errors: { type: 'boolean' },
      since: { type: 'integer' },
      until: { type: 'integer' },
      source: { type: 'string', oneOf: ['archive', 'active', 'all'] },
      statusfilter: { type: 'string', format: 'pve-task-status-type-list' },
      typefilter: { type: 'string' },
      userfilter: { type: 'string' },
      vmid: { type: 'integer', format: 'pve-vmid', minimum: 100, maximum: 999_999_999 },
    },
    run: list,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/tasks/{upid}',
    run: (call) => {
      upidOf(call)
      return [{ name: 'log' }, { name: 'status' }]
    },
  },
  { method: 'GET', path: '/nodes/{node}/tasks/{upid}/status', relayed: true, run: status },
  {
    method: 'GET',
    path: '/nodes/{node}/tasks/{upid}/log',
    relayed: true,
    parameters: { ...page, download: { type: 'boolean' } },
    run: log,
  },
  {
    method: 'DELETE',
    path: '/nodes/{node}/tasks/{upid}',
    relayed: true,
    run: async (call) => {
      const upid = upidOf(call)
      const { world, caller } = call
      if (!ownsTask(caller.who, upid.user)) require(world.site, caller.who, `/nodes/${upid.node}`, 'Sys.Modify')
      void world.tasks.stop(upid.upid)
      return null
    },
  },
  {
    method: 'GET',
    path: '/cluster/tasks',
    run: ({ world, caller }) =>
      world.tasks
        .all()
        .filter(
          (task) => ownsTask(caller.who, task.user) || may(world.site, caller.who, `/nodes/${task.node}`, 'Sys.Audit'),
        )
        .toSorted((a, b) => Number(b.running) - Number(a.running))
        .slice(0, 25)
        .map((task) => {
          const { pid, pstart: _pstart, ...rest } = identity(task)
          const row = { ...rest, ...user(task) }
          return task.running ? { ...row, pid } : { ...row, endtime: task.endtime, status: task.status, saved: '1' }
        }),
  },
]
