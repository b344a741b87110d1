/** Scheduled backup jobs: kept and shown, never run by the lab. */
import { randomUUID } from 'node:crypto'
import { ApiError, failure, parameterError } from '../api-error.ts'
import { parseRetention } from '../formats.ts'
import { may } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import type { ParameterTable } from '../schema-check.ts'
import { findGuest, unixSeconds } from '../world.ts'
import { VZDUMP_PARAMETERS } from './vzdump.ts'

const AUDIT = ['/', 'Sys.Audit'] as const
const MODIFY = ['/', 'Sys.Modify'] as const
const NUMBERS = new Set([
  'all',
  'enabled',
  'bwlimit',
  'ionice',
  'remove',
  'protected',
  'quiet',
  'repeat-missed',
  'lockwait',
  'stopwait',
  'zstd',
  'pigz',
])

const { stdout: _stdout, 'job-id': _jobId, ...shared } = VZDUMP_PARAMETERS
const PARAMETERS: ParameterTable = {
  ...shared,
  comment: { type: 'string', maxLength: 512 },
  dow: { type: 'string' },
  enabled: { type: 'boolean' },
  id: { type: 'string', format: 'pve-configid', maxLength: 50 },
  node: { type: 'string', format: 'pve-node' },
  'repeat-missed': { type: 'boolean' },
  schedule: { type: 'string', format: 'pve-calendar-event', maxLength: 128 },
  starttime: { type: 'string', pattern: /^\d{1,2}:\d{1,2}$/ },
}

type Job = Record<string, string>

function shown(job: Job): Record<string, unknown> {
  const { 'prune-backups': retention, ...rest } = job
  const values = Object.entries(rest).map(([name, value]) => [name, NUMBERS.has(name) ? Number(value) : value] as const)
  // Perl parsed the retention into a hash whose numbers are still text.
  const kept =
    retention === undefined
      ? {}
      : Object.fromEntries(Object.entries(parseRetention(retention)).map(([name, n]) => [name, String(n)]))
  return {
    ...Object.fromEntries(values),
    ...(retention === undefined ? {} : { 'prune-backups': kept }),
    type: 'vzdump',
  }
}

function jobOf({ world, values }: Call): Job {
  const job = world.site.backupJobs.find((each) => each['id'] === values['id'])
  if (job === undefined) throw parameterError({ id: `No such job '${values['id']}'` })
  return job
}

function create({ world, values }: Call): null {
  if (values['schedule'] === undefined && values['starttime'] === undefined) {
    throw parameterError({ schedule: "neither 'starttime' nor 'schedule' were set" })
  }
  const id = values['id'] ?? randomUUID()
  if (world.site.backupJobs.some((job) => job['id'] === id)) throw failure(`Job '${id}' already exists`)
  world.site.backupJobs.push({ enabled: '1', ...values, id })
  world.save()
  return null
}

function update(call: Call): null {
  const job = jobOf(call)
  const { id: _id, delete: removed, ...changes } = call.values
  Object.assign(job, changes)
  for (const name of removed?.split(',') ?? []) delete job[name]
  call.world.save()
  return null
}

function remove({ world, values }: Call): null {
  const before = world.site.backupJobs.length
  world.site.backupJobs = world.site.backupJobs.filter((job) => job['id'] !== values['id'])
  if (world.site.backupJobs.length === before) {
    // The exception passes through a lock's `die`, which turns it into text.
    throw new ApiError(500, `400 Parameter verification failed.\nid: No such job '${values['id']}'\n`)
  }
  world.save()
  return null
}

function includedVolumes(call: Call): unknown {
  const { world, caller } = call
  const job = jobOf(call)
  const excluded = (job['exclude'] ?? '').split(',')
  const vmids =
    job['all'] === '1'
      ? world.site.guests.map((guest) => guest.vmid).filter((vmid) => !excluded.includes(String(vmid)))
      : (job['vmid'] ?? '').split(',').map(Number)
  const children = vmids.flatMap((vmid) => {
    const guest = findGuest(world, vmid)
    if (guest === undefined || !may(world.site, caller.who, `/vms/${vmid}`, 'VM.Audit')) return []
    const volumes = guest.disks.map((disk) => ({
      id: `${vmid}:${disk.key}`,
      name: disk.volume,
      included: disk.backup ? 1 : 0,
      leaf: 1,
      reason: disk.key === 'rootfs' ? 'rootfs' : disk.backup ? 'enabled' : 'disabled',
    }))
    return [{ id: vmid, name: guest.name, type: guest.kind, leaf: 0, children: volumes }]
  })
  return { children }
}

const byId: ParameterTable = { id: { type: 'string', format: 'pve-configid', maxLength: 50 } }

export const backupJobEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/cluster/backup',
    permission: AUDIT,
    run: ({ world }) =>
      world.site.backupJobs.map((job) => ({
        ...shown(job),
        'next-run': Math.ceil(unixSeconds(world) / 86_400) * 86_400,
      })),
  },
  { method: 'POST', path: '/cluster/backup', relayed: true, permission: MODIFY, parameters: PARAMETERS, run: create },
  {
    method: 'GET',
    path: '/cluster/backup/{id}',
    permission: AUDIT,
    parameters: byId,
    run: (call) => shown(jobOf(call)),
  },
  {
    method: 'PUT',
    path: '/cluster/backup/{id}',
    relayed: true,
    permission: MODIFY,
    parameters: { ...PARAMETERS, delete: { type: 'string' } },
    run: update,
  },
  { method: 'DELETE', path: '/cluster/backup/{id}', relayed: true, permission: MODIFY, parameters: byId, run: remove },
  {
    method: 'GET',
    path: '/cluster/backup/{id}/included_volumes',
    relayed: true,
    permission: AUDIT,
    parameters: byId,
    run: includedVolumes,
  },
]
