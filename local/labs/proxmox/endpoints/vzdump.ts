/** Starting backups, and what goes with it. */
import { readArchiveConfig } from '../archive-config.ts'
import { failure, parameterError } from '../api-error.ts'
import { parseFleecing, splitList } from '../formats.ts'
import { may, require } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import type { ParameterTable, Values } from '../schema-check.ts'
import { activeStorage, parseVolumeName, readBackup } from '../storage-files.ts'
import { runVzdump, type WorkList } from '../vzdump-job.ts'
import { findGuest, type World } from '../world.ts'
import { requireVolume } from './content.ts'

const bool = { type: 'boolean' } as const
const text = { type: 'string' } as const
const count = { type: 'integer', minimum: 0 } as const

/** vzdump's parameters in 9.2, shared by the call and by backup jobs. */
export const VZDUMP_PARAMETERS: ParameterTable = {
  all: bool,
  bwlimit: count,
  compress: { type: 'string', oneOf: ['0', '1', 'gzip', 'lzo', 'zstd'] },
  dumpdir: text,
  exclude: { type: 'string', format: 'pve-vmid-list' },
  'exclude-path': { type: 'array' },
  fleecing: { type: 'string', format: 'backup-fleecing' },
  ionice: { type: 'integer', minimum: 0, maximum: 8 },
  'job-id': { type: 'string', maxLength: 50, pattern: /^\S+$/ },
  lockwait: count,
  mailnotification: { type: 'string', oneOf: ['always', 'failure'] },
  mailto: { type: 'string', format: 'email-or-username-list' },
  mode: { type: 'string', oneOf: ['snapshot', 'suspend', 'stop'] },
  'notes-template': { type: 'string', maxLength: 1024, needs: 'storage' },
  'notification-mode': { type: 'string', oneOf: ['auto', 'legacy-sendmail', 'notification-system'] },
  'pbs-change-detection-mode': { type: 'string', oneOf: ['legacy', 'data', 'metadata'] },
  performance: { type: 'string', format: 'backup-performance' },
  pigz: { type: 'integer' },
  pool: text,
  protected: { type: 'boolean', needs: 'storage' },
  'prune-backups': { type: 'string', format: 'prune-backups' },
  quiet: bool,
  remove: bool,
  script: text,
  stdexcludes: bool,
  stdout: bool,
  stop: bool,
  stopwait: count,
  storage: { type: 'string', format: 'pve-storage-id' },
  tmpdir: text,
  vmid: { type: 'string', format: 'pve-vmid-list' },
  zstd: { type: 'integer' },
}

/** What the caller may ask for at all, before anything is looked up. VM.Backup is left to the worker. */
function requireOptions({ world, caller, values }: Call): void {
  const { site } = world
  for (const name of ['tmpdir', 'dumpdir', 'script', 'job-id']) {
    if (values[name] !== undefined && caller.who !== 'root@pam')
      throw parameterError({ [name]: 'Only root may set this option.' })
  }
  if (['bwlimit', 'ionice', 'performance'].some((name) => values[name] !== undefined))
    require(site, caller.who, '/', 'Sys.Modify')
  const fleecing = parseFleecing(values['fleecing'] ?? '')
  if (fleecing['storage'] !== undefined)
    require(site, caller.who, `/storage/${fleecing['storage']}`, 'Datastore.AllocateSpace')
  if (values['dumpdir'] !== undefined) return
  const storage = `/storage/${values['storage'] ?? 'local'}`
  require(site, caller.who, storage, 'Datastore.AllocateSpace')
  if (values['prune-backups'] !== undefined) require(site, caller.who, storage, 'Datastore.Allocate')
}

/** Escapes and variables that don't exist, with their positions. */
function notesProblem(template: string): string | undefined {
  if (template.includes('\n')) return 'contains a line feed\n'
  const problems = [...template.matchAll(/\\(.)/g)]
    .filter(([, letter = '']) => !/^[n\\]$/.test(letter))
    .map((match) => `escape sequence '\\${match[1]}' at char ${match.index}`)
  for (const match of template.matchAll(/\{\{([^\s{}]+)\}\}/g)) {
    const name = match[1] ?? ''
    const position = match.index + match[0].length - name.length
    if (!['cluster', 'guestname', 'node', 'vmid'].includes(name))
      problems.push(`variable '${name}' at char ${position}`)
  }
  return problems.length > 0 ? `found unknown: ${problems.join(', ')}\n` : undefined
}

function checkCombination(values: Values, node: string): void {
  const conflict = (name: string, other: string): void => {
    if (values[name] !== undefined && values[name] !== '0' && values[other] !== undefined) {
      throw parameterError({ [name]: `option conflicts with option '${other}'` })
    }
  }
  conflict('all', 'vmid')
  conflict('exclude', 'vmid')
  conflict('pool', 'vmid')
  conflict('dumpdir', 'storage')
  if (values['stdout'] !== undefined)
    throw parameterError({ stdout: 'option is only allowed on the command line interface.' })
  if (values['node'] !== undefined && values['node'] !== node) {
    throw parameterError({ node: 'option is only allowed on the command line interface.' })
  }
  const notes = values['notes-template'] === undefined ? undefined : notesProblem(values['notes-template'])
  if (notes !== undefined) throw parameterError({ 'notes-template': notes })
  const chosen = ['vmid', 'all', 'pool', 'stop', 'exclude'].some((name) => (values[name] ?? '0') !== '0')
  if (!chosen) throw parameterError({ vmid: 'property is missing' })
}

/** Guests of the call on this node; those that exist nowhere stay in, to fail visibly. */
function workList(world: World, node: string, values: Values): WorkList {
  const here = world.site.guests.filter((guest) => guest.node === node).map((guest) => guest.vmid)
  if (values['vmid'] !== undefined) {
    const named = [...new Set(splitList(values['vmid']).map(Number))]
    const isHere = (vmid: number): boolean => here.includes(vmid) || findGuest(world, vmid) === undefined
    return { vmids: named.filter(isHere), skipped: named.filter((vmid) => !isHere(vmid)), explicit: true }
  }
  if (values['pool'] !== undefined) {
    const pool = world.site.pools.find((each) => each.id === values['pool'])
    if (pool === undefined) throw failure(`pool '${values['pool']}' does not exist`)
    return { vmids: here.filter((vmid) => pool.vmids.includes(vmid)), skipped: [], explicit: false }
  }
  if ((values['all'] ?? '0') === '0' && values['exclude'] === undefined)
    return { vmids: [], skipped: [], explicit: false }
  const excluded = splitList(values['exclude'] ?? '').map(Number)
  return { vmids: here.filter((vmid) => !excluded.includes(vmid)), skipped: [], explicit: false }
}

function start(call: Call): unknown {
  const { world, caller, values, node } = call
  requireOptions(call)
  checkCombination(values, node)
  const list = workList(world, node, values)
  if (values['stop'] === '1') {
    for (const task of world.tasks.all()) {
      if (task.running && task.type === 'vzdump' && task.node === node) void world.tasks.stop(task.upid)
    }
    if (list.vmids.length === 0) return 'OK'
  }
  // Guests of the list live on other nodes: nothing to do here, and the real server says no more than this.
  if (list.explicit && list.vmids.length === 0) return 'OK'
  const { vmid: _vmid, node: _node, ...options } = values
  const id = list.vmids.length === 1 ? String(list.vmids[0]) : ''
  const lock = world.vzdumpLock(node)
  return world.tasks.start({ node, type: 'vzdump', id, user: caller.who }, (worker) =>
    runVzdump(world, worker, lock, caller.who, node, list, options),
  )
}

function defaults({ world, caller, values, node }: Call): unknown {
  const storage = values['storage'] ?? 'local'
  require(world.site, caller.who, `/storage/${storage}`, 'Datastore.Audit', 'Datastore.AllocateSpace')
  const audits = may(world.site, caller.who, `/nodes/${node}`, 'Sys.Audit')
  const found = world.site.storages.find((each) => each.id === storage)
  return {
    all: 0,
    bwlimit: 0,
    compress: '0',
    fleecing: { enabled: 0 },
    lockwait: 180,
    mailnotification: 'always',
    mode: 'snapshot',
    'notification-mode': 'auto',
    performance: { 'max-workers': 16, 'pbs-entries-max': 1_048_576 },
    pigz: 0,
    'prune-backups': found?.pruneBackups ?? 'keep-all=1',
    quiet: 0,
    remove: 1,
    stdexcludes: 1,
    stop: 0,
    stopwait: 10,
    storage,
    zstd: 1,
    ...(audits ? { dumpdir: `${found?.path ?? '/var/lib/vz'}/dump`, ionice: 7 } : {}),
  }
}

async function extractConfig({ world, caller, values, node }: Call): Promise<unknown> {
  const volume = values['volume'] ?? ''
  const [id = '', name] = volume.split(/:(.*)/s)
  if (name === undefined)
    throw failure('Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.')
  requireVolume(world, caller.who, id, name)
  const storage = activeStorage(world, id, node)
  const backup = readBackup(world, storage, node, parseVolumeName(name).file)
  if (backup === undefined) throw failure(`volume '${volume}' does not exist`)
  return await readArchiveConfig(backup.path)
}

export const vzdumpEndpoints: Endpoint[] = [
  { method: 'POST', path: '/nodes/{node}/vzdump', relayed: true, parameters: VZDUMP_PARAMETERS, run: start },
  {
    method: 'GET',
    path: '/nodes/{node}/vzdump/defaults',
    parameters: { storage: { type: 'string', format: 'pve-storage-id' } },
    run: defaults,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/vzdump/extractconfig',
    relayed: true,
    parameters: { volume: { type: 'string', required: true } },
    run: extractConfig,
  },
]
