/** Every call that the client can make, and what it makes of an answer. A request that isn't here isn't ours. */
import type { z } from 'zod'
import { BackupFailed, PlatformTaskFailed, PlatformUnavailable } from '../../functions/contracts/errors.ts'
import { backupOptionsSchema } from '../../functions/contracts/backup-options.ts'
import type { Guest } from '../../functions/contracts/nouns.ts'
import { judge } from '../../functions/domain/backup/verdict.ts'
import type { ApiClient } from '../../functions/providers/proxmox/client.ts'
import { AlreadySo, errorFromText, NoSuchTask, where } from '../../functions/providers/proxmox/errors.ts'
import {
  guestConfigSchema,
  guestRecordRowsSchema,
  haResourceRowsSchema,
  replicationRowsSchema,
  replicationStateRowsSchema,
} from '../../functions/providers/proxmox/guest-schemas.ts'
import { parseUpid } from '../../functions/providers/proxmox/identifiers.ts'
import * as shapes from '../../functions/providers/proxmox/schemas.ts'
import { storageStateRowsSchema } from '../../functions/providers/proxmox/storage-state.ts'
import type { ProxmoxProvider } from '../../functions/providers/proxmox/provider.ts'

/** One recorded call, about to be made again against a server that gives the recorded answer. */
export interface Session {
  client: ApiClient
  provider: ProxmoxProvider
  /** Below `/api2/json`, encoded, with its query, as it was recorded. */
  target: string
  /** Variable parts of the path. */
  values: Readonly<Record<string, string>>
  /** The parameters that were sent, in query or body. */
  parameters: Readonly<Record<string, string>>
  /** What the other exchanges of the recording tell about a backup: the guest it was for, and the storage. */
  backup: { guest: Guest; storage: string }
}

export interface ClientCall {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  /** To follow "cannot". */
  doing: string
  /** Requests to this path whose answer the client never asks for, and why. */
  except?: { when(parameters: Readonly<Record<string, string>>): boolean; why: string }
  /** What the client made of the answer, as a short text. @throws GuestliftError as the client does */
  make(session: Session): Promise<string>
}

/** A call that reads. The answer must suit everything that the client reads from this path. */
function reading(path: string, doing: string, ...schemas: z.ZodType[]): ClientCall {
  return {
    method: 'GET',
    path,
    doing,
    async make({ client, target, values }) {
      let most: number | undefined
      for (const schema of schemas) {
        const { data } = await client.get(target, schema, client.about(doing, placeOf(values)))
        if (Array.isArray(data)) most = Math.max(most ?? 0, data.length)
      }
      return most === undefined ? 'understood' : `${most} rows understood`
    },
  }
}

/** A call that changes something: the answer is a task's id, or nothing where the platform has done it at once. */
function writing(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  doing: string,
  takes: 'task' | 'task or nothing' | 'nothing',
): ClientCall {
  return {
    method,
    path,
    doing,
    async make({ client, target, values }) {
      const about = client.about(doing, placeOf(values))
      const written = await client.write(method, target, about)
      if (!written.answered) throw written.error
      const { data } = written
      if (data === null && takes !== 'task') return 'done'
      if (typeof data === 'string' && takes !== 'nothing' && parseUpid(data) !== undefined) return `started ${data}`
      throw new PlatformUnavailable(`${where(about)}: the answer to the order to ${doing} is none that is known.`)
    },
  }
}

function placeOf({ node, vmid, storage }: Readonly<Record<string, string>>) {
  return {
    ...(node === undefined ? {} : { node }),
    ...(vmid === undefined ? {} : { guest: vmid }),
    ...(storage === undefined ? {} : { storage }),
  }
}

const logIn: ClientCall = {
  method: 'POST',
  path: '/access/ticket',
  doing: 'log in',
  except: {
    when: ({ path, privs }) => path !== undefined || privs !== undefined,
    why: 'checks privileges, logs nobody in',
  },
  async make({ provider }) {
    await provider.identify()
    return 'logged in'
  },
}

const version: ClientCall = {
  method: 'GET',
  path: '/version',
  doing: 'ask for the version',
  make: async ({ provider }) => (await provider.identify()).version,
}

const startBackup: ClientCall = {
  method: 'POST',
  path: '/nodes/{node}/vzdump',
  doing: 'start the backup',
  async make({ provider, values, parameters }) {
    const id = /\d+/.exec(parameters['vmid'] ?? '')?.[0] ?? '100'
    const options = backupOptionsSchema.safeParse({ storage: parameters['storage'] })
    const guest = { id, kind: 'vm', name: '', node: values['node'] ?? '' } as const
    const { jobRef } = await provider.start(guest, options.data ?? backupOptionsSchema.parse({}))
    return `started ${jobRef}`
  },
}

/** The state of a task, and for an ended one what the client that waited for it concludes. */
const taskStatus: ClientCall = {
  method: 'GET',
  path: '/nodes/{node}/tasks/{upid}/status',
  doing: 'read the state of a task',
  async make(session) {
    const { client, target, values } = session
    const about = client.about('read the state of a task', placeOf(values))
    const upid = parseUpid(values['upid'] ?? '')
    const page = await client.get(target, shapes.taskStatusSchema, about).catch((error: unknown) => {
      // A job that the node knows no more has an end all the same: one that proves nothing.
      if (error instanceof NoSuchTask && upid?.type === 'vzdump') return undefined
      throw error
    })
    if (page === undefined) return backupEnded(session)
    const { data } = page
    if (data.status === 'running') return 'still running'
    const exitStatus = data.exitstatus ?? 'no exit status'
    if (upid?.type === 'vzdump') return backupEnded(session)
    if (exitStatus === 'OK' || /^WARNINGS: \d+$/.test(exitStatus)) return `ended: ${exitStatus}`
    const task = client.about(`finish task ${upid?.type ?? ''}`, placeOf(values))
    throw errorFromText(exitStatus, task) ?? new PlatformTaskFailed(`${where(task)}: the task failed: ${exitStatus}`)
  },
}

/** The status alone can't prove a success, but it can rule one out. */
async function backupEnded({ provider, values, backup }: Session): Promise<string> {
  const { evidence } = await provider.gather(values['upid'] ?? '', backup.guest, backup.storage)
  if (evidence.ending === 'ok' || evidence.ending === 'warnings') return `ended: ${evidence.exitStatus}`
  throw new BackupFailed(judge(evidence, provider.judgeJob).reason)
}

const removeVolume: ClientCall = {
  method: 'DELETE',
  path: '/nodes/{node}/storage/{storage}/content/{volume}',
  doing: 'remove an archive',
  async make({ client, target, values }) {
    const about = client.about('remove an archive', placeOf(values))
    const written = await client.write('DELETE', target, about)
    if (!written.answered) throw written.error
    const task = shapes.taskIdSchema.safeParse(written.data)
    if (!task.success) throw new PlatformUnavailable(`${where(about)}: the answer names no task.`)
    return task.data === null ? 'removed' : `started ${task.data}`
  },
}

const asksForFile = {
  when: ({ download }: Readonly<Record<string, string>>) => download !== undefined,
  why: 'asks for a file; the client reads logs as JSON',
}

const power = (kind: 'qemu' | 'lxc') =>
  ['start', 'shutdown', 'stop', 'reboot'].map((action): ClientCall => {
    const call = writing('POST', `/nodes/{node}/${kind}/{vmid}/status/${action}`, `${action} the guest`, 'task')
    return {
      ...call,
      make: (session) =>
        call.make(session).catch((error: unknown) => {
          // Somebody else was faster: the guest is in the wanted state.
          if (error instanceof AlreadySo && action !== 'reboot') return 'it is in that state already'
          throw error
        }),
    }
  })

export const clientCalls: readonly ClientCall[] = [
  logIn,
  version,
  reading('/access/domains', 'list the realms', shapes.realmRowsSchema),
  reading('/access/permissions', 'read its permissions', shapes.permissionsSchema),
  reading(
    '/cluster/resources',
    'look for the guests',
    guestRecordRowsSchema,
    shapes.nodeRowsSchema,
    shapes.storageRowsSchema,
  ),
  reading('/cluster/ha/resources', 'read what high availability manages', haResourceRowsSchema),
  reading('/cluster/replication', 'read what is replicated', replicationRowsSchema),
  reading('/nodes/{node}/replication', 'read how replication goes', replicationStateRowsSchema),
  reading('/nodes/{node}/qemu/{vmid}/config', "read the guest's configuration", guestConfigSchema),
  reading('/nodes/{node}/lxc/{vmid}/config', "read the guest's configuration", guestConfigSchema),
  reading('/nodes/{node}/qemu/{vmid}/status/current', "read the guest's state", shapes.guestStatusSchema),
  reading('/nodes/{node}/lxc/{vmid}/status/current', "read the guest's state", shapes.guestStatusSchema),
  ...power('qemu'),
  ...power('lxc'),
  reading('/nodes/{node}/storage', 'look at the storages', storageStateRowsSchema),
  startBackup,
  reading('/nodes/{node}/tasks', 'list the tasks', shapes.taskRowsSchema, shapes.ownTaskRowsSchema),
  writing('DELETE', '/nodes/{node}/tasks/{upid}', 'stop the task', 'nothing'),
  taskStatus,
  { ...reading('/nodes/{node}/tasks/{upid}/log', "read a task's log", shapes.logLinesSchema), except: asksForFile },
  reading(
    '/nodes/{node}/storage/{storage}/content',
    'list the archives',
    shapes.volumeRowsSchema,
    shapes.archiveRowsSchema,
  ),
  reading(
    '/nodes/{node}/storage/{storage}/content/{volume}',
    'look up the archive',
    shapes.volumeSchema,
    shapes.archiveMarksSchema,
  ),
  writing('PUT', '/nodes/{node}/storage/{storage}/content/{volume}', "change the archive's marks", 'nothing'),
  removeVolume,
  reading('/nodes/{node}/storage/{storage}/prunebackups', 'preview the pruning', shapes.pruneRowsSchema),
]
