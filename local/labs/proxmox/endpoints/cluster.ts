/** What is known of the whole cluster, filtered silently by what the caller may see. */
import { parameterError } from '../api-error.ts'
import { resourceRow } from '../guest-status.ts'
import { nodeResource } from '../node-status.ts'
import { may, require } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import { usage } from '../storage-files.ts'
import { findGuest, findNode, type LabPool, onNode, type World } from '../world.ts'

const poolOf = (world: World, vmid: number): LabPool | undefined =>
  world.site.pools.find((pool) => pool.vmids.includes(vmid))

function guestRows({ world, caller }: Call): Record<string, unknown>[] {
  const uptime = world.uptimeSeconds()
  return world.site.guests
    .filter((guest) => may(world.site, caller.who, `/vms/${guest.vmid}`, 'VM.Audit'))
    .map((guest) => {
      const pool = poolOf(world, guest.vmid)
      const shown =
        pool !== undefined && may(world.site, caller.who, `/pool/${pool.id}`, 'Pool.Audit') ? pool.id : undefined
      return resourceRow(guest, findNode(world, guest.node)?.online === true, uptime, shown)
    })
}

function storageRows({ world, caller }: Call): Record<string, unknown>[] {
  return world.site.nodes
    .filter((node) => node.member)
    .flatMap((node) =>
      world.site.storages
        .filter((storage) => onNode(storage, node.name) && !storage.disabled)
        .filter((storage) => may(world.site, caller.who, `/storage/${storage.id}`, 'Datastore.Audit'))
        .map((storage) => {
          const known = storage.online && node.online
          const sizes = known ? usage(world, storage, node.name) : undefined
          return {
            id: `storage/${node.name}/${storage.id}`,
            storage: storage.id,
            node: node.name,
            type: 'storage',
            plugintype: storage.type,
            shared: storage.shared ? 1 : 0,
            content: storage.content.join(','),
            status: known ? 'available' : 'unknown',
            ...(sizes === undefined ? {} : { disk: sizes.used, maxdisk: sizes.total }),
          }
        }),
    )
}

function resources(call: Call): unknown {
  const { world, caller, values } = call
  const wants = (type: string): boolean => values['type'] === undefined || values['type'] === type
  const pools = world.site.pools.filter((pool) => may(world.site, caller.who, `/pool/${pool.id}`, 'Pool.Audit'))
  const nodes = world.site.nodes.filter((node) => node.member)
  const network = may(world.site, caller.who, '/sdn/zones/localnetwork', 'SDN.Audit')
    ? nodes.map((node) => ({
        id: `network/${node.name}/zone/localnetwork`,
        node: node.name,
        network: 'localnetwork',
        'network-type': 'zone',
        type: 'network',
        status: 'ok',
      }))
    : []
  return [
    ...(values['type'] === undefined
      ? pools.map((pool) => ({ id: `/pool/${pool.id}`, pool: pool.id, type: 'pool' }))
      : []),
    ...(wants('vm') ? guestRows(call) : []),
    ...(wants('node') ? nodes.map((node) => ({ ...nodeResource(world, caller.who, node), 'cgroup-mode': 1 })) : []),
    ...(wants('storage') ? storageRows(call) : []),
    ...(values['type'] === undefined ? network : []),
  ]
}

function status({ world }: Call): unknown {
  const members = world.site.nodes.filter((node) => node.member)
  const first = members[0]?.name
  const rows = members.map((node, index) => ({
    type: 'node',
    id: `node/${node.name}`,
    name: node.name,
    nodeid: members.length > 1 ? index + 1 : 0,
    local: node.name === first ? 1 : 0,
    online: node.online ? 1 : 0,
    ip: node.ip,
    level: '',
  }))
  if (members.length === 1) return rows
  const online = members.filter((node) => node.online).length
  const quorate = online * 2 > members.length ? 1 : 0
  return [
    {
      type: 'cluster',
      id: 'cluster',
      name: world.cluster().name,
      nodes: members.length,
      version: members.length,
      quorate,
    },
    ...rows,
  ]
}

function nextId({ world, values }: Call): string {
  const wanted = values['vmid']
  if (wanted !== undefined) {
    if (findGuest(world, Number(wanted)) !== undefined) throw parameterError({ vmid: `VM ${wanted} already exists` })
    return wanted
  }
  let vmid = 100
  while (findGuest(world, vmid) !== undefined) vmid += 1
  return String(vmid)
}

function pools({ world, caller, values }: Call): unknown {
  const visible = world.site.pools.filter((pool) => may(world.site, caller.who, `/pool/${pool.id}`, 'Pool.Audit'))
  const base = (pool: LabPool): Record<string, unknown> => ({
    poolid: pool.id,
    ...(pool.comment === undefined ? {} : { comment: pool.comment }),
  })
  const wanted = values['poolid']
  if (wanted === undefined) return visible.map(base)
  require(world.site, caller.who, `/pool/${wanted}`, 'Pool.Audit')
  const pool = world.site.pools.find((each) => each.id === wanted)
  if (pool === undefined) throw parameterError({ poolid: `pool '${wanted}' does not exist` })
  const uptime = world.uptimeSeconds()
  const members = pool.vmids.flatMap((vmid) => {
    const guest = findGuest(world, vmid)
    return guest === undefined || world.site.hidden?.includes(vmid) === true
      ? []
      : [resourceRow(guest, findNode(world, guest.node)?.online === true, uptime, pool.id)]
  })
  return [{ ...base(pool), members }]
}

function haResources({ world }: Call): unknown {
  return world.site.guests
    .filter((guest) => guest.haState !== undefined)
    .map((guest) => ({
      sid: `${guest.kind === 'lxc' ? 'ct' : 'vm'}:${guest.vmid}`,
      type: guest.kind === 'lxc' ? 'ct' : 'vm',
      state: guest.haState,
      digest: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
    }))
}

/** Jobs of the guests that the caller may see, as `/cluster/replication` has them. */
function replicationJobs({ world, caller }: Call): Record<string, unknown>[] {
  return world.site.guests
    .filter((guest) => may(world.site, caller.who, `/vms/${guest.vmid}`, 'VM.Audit'))
    .flatMap((guest) =>
      (guest.replication ?? []).map(({ target, schedule, disabled }, index) => ({
        id: `${guest.vmid}-${index}`,
        guest: guest.vmid,
        jobnum: index,
        type: 'local',
        source: guest.node,
        target,
        schedule,
        ...(disabled === true ? { disable: 1 } : {}),
      })),
    )
}

/** The jobs that one node carries out, with how each went. */
function replicationOfNode(call: Call): Record<string, unknown>[] {
  const { world, values, node } = call
  return replicationJobs(call).flatMap((job) => {
    const guest = findGuest(world, Number(job['guest']))
    const state = guest?.replication?.[Number(job['jobnum'])]
    if (guest?.node !== node || state === undefined) return []
    if (values['guest'] !== undefined && Number(values['guest']) !== guest.vmid) return []
    const { lastSync, error } = state
    return [
      {
        ...job,
        vmtype: guest.kind,
        last_sync: lastSync,
        last_try: lastSync,
        next_sync: lastSync + 900,
        fail_count: error === undefined ? 0 : 1,
        duration: 1.5,
        ...(error === undefined ? {} : { error }),
      },
    ]
  })
}

function haStatus({ world }: Call): unknown {
  const first = world.site.nodes[0]?.name ?? ''
  const services = world.site.guests
    .filter((guest) => guest.haState !== undefined)
    .map((guest) => {
      const sid = `${guest.kind === 'lxc' ? 'ct' : 'vm'}:${guest.vmid}`
      return {
        id: `service:${sid}`,
        type: 'service',
        sid,
        node: guest.node,
        state: guest.haState,
        status: `${sid} (${guest.node}, ${guest.haState})`,
      }
    })
  return [
    { id: 'quorum', type: 'quorum', status: 'OK', quorate: 1, node: first },
    { id: 'fencing', type: 'fencing', node: first, status: 'standby (CRM watchdog standby)', 'armed-state': 'standby' },
    ...services,
  ]
}

/** Guests that no enabled backup job covers. */
function notBackedUp({ world, caller }: Call): unknown {
  const covered = (vmid: number): boolean =>
    world.site.backupJobs.some((job) => {
      if (job['enabled'] === '0' && job['all'] !== '1') return false
      const listed = (job['vmid'] ?? '').split(',').includes(String(vmid))
      const all = job['all'] === '1' && !(job['exclude'] ?? '').split(',').includes(String(vmid))
      return listed || all
    })
  return world.site.guests
    .filter((guest) => !covered(guest.vmid) && may(world.site, caller.who, `/vms/${guest.vmid}`, 'VM.Audit'))
    .map((guest) => ({ vmid: guest.vmid, type: guest.kind, name: guest.name }))
}

const AUDIT = ['/', 'Sys.Audit'] as const

export const clusterEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/cluster/resources',
    parameters: { type: { type: 'string', oneOf: ['vm', 'storage', 'node', 'sdn'] } },
    run: resources,
  },
  { method: 'GET', path: '/cluster/status', relayed: true, permission: AUDIT, run: status },
  {
    method: 'GET',
    path: '/cluster/nextid',
    parameters: { vmid: { type: 'integer', format: 'pve-vmid', minimum: 100, maximum: 999_999_999 } },
    run: nextId,
  },
  {
    method: 'GET',
    path: '/pools',
    parameters: {
      poolid: { type: 'string', format: 'pve-poolid' },
      type: { type: 'string', oneOf: ['qemu', 'lxc', 'storage'], needs: 'poolid' },
    },
    run: pools,
  },
  {
    method: 'GET',
    path: '/cluster/ha/resources',
    permission: AUDIT,
    parameters: { type: { type: 'string', oneOf: ['ct', 'vm'] } },
    run: haResources,
  },
  { method: 'GET', path: '/cluster/ha/status/current', permission: AUDIT, run: haStatus },
  { method: 'GET', path: '/cluster/replication', run: replicationJobs },
  {
    method: 'GET',
    path: '/nodes/{node}/replication',
    relayed: true,
    parameters: { guest: { type: 'integer', format: 'pve-vmid', minimum: 100, maximum: 999_999_999 } },
    run: replicationOfNode,
  },
  { method: 'GET', path: '/cluster/backup-info/not-backed-up', relayed: true, permission: AUDIT, run: notBackedUp },
]
