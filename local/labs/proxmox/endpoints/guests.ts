/** Guests of one node: lists, configuration, status. How they are changed: `guest-changes.ts`. */
import { failure } from '../api-error.ts'
import { configDigest, configEntries } from '../guest-config.ts'
import { currentRow, nodeRow } from '../guest-status.ts'
import { may } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import { findGuest, type LabGuest, type LabGuestKind } from '../world.ts'

const uptime = ({ world }: Call): number => world.uptimeSeconds()
const folder = (kind: LabGuestKind): string => (kind === 'lxc' ? 'lxc' : 'qemu-server')

export function guestOf(call: Call, kind: LabGuestKind): LabGuest {
  const vmid = Number(call.values['vmid'])
  const guest = findGuest(call.world, vmid)
  if (guest === undefined || guest.kind !== kind || guest.node !== call.node) {
    throw failure(`Configuration file 'nodes/${call.node}/${folder(kind)}/${vmid}.conf' does not exist`)
  }
  return guest
}

const index: Record<LabGuestKind, string[]> = {
  lxc: [
    'config',
    'pending',
    'status',
    'vncproxy',
    'termproxy',
    'vncwebsocket',
    'spiceproxy',
    'migrate',
    'clone',
    'rrd',
    'rrddata',
    'firewall',
    'snapshot',
    'resize',
    'interfaces',
  ],
  qemu: [
    'config',
    'pending',
    'status',
    'unlink',
    'vncproxy',
    'termproxy',
    'migrate',
    'resize',
    'move',
    'rrd',
    'rrddata',
    'monitor',
    'agent',
    'snapshot',
    'spiceproxy',
    'sendkey',
    'firewall',
    'mtunnel',
    'remote_migrate',
  ],
}

function endpointsOf(kind: LabGuestKind): Endpoint[] {
  const base = `/nodes/{node}/${kind}`
  const audit = ['/vms/{vmid}', 'VM.Audit'] as const
  return [
    {
      method: 'GET',
      path: base,
      relayed: true,
      parameters: kind === 'qemu' ? { full: { type: 'boolean' } } : {},
      run: (call) =>
        call.world.site.guests
          .filter((guest) => guest.kind === kind && guest.node === call.node)
          .filter((guest) => may(call.world.site, call.caller.who, `/vms/${guest.vmid}`, 'VM.Audit'))
          .map((guest) => nodeRow(guest, uptime(call), call.values['full'] === '1')),
    },
    {
      method: 'GET',
      path: `${base}/{vmid}`,
      run: () => index[kind].map((subdir) => ({ subdir })),
    },
    {
      method: 'GET',
      path: `${base}/{vmid}/config`,
      permission: audit,
      parameters: { current: { type: 'boolean' }, snapshot: { type: 'string' } },
      run: (call) => {
        const guest = guestOf(call, kind)
        return {
          ...configEntries(guest),
          ...(guest.lock === undefined ? {} : { lock: guest.lock }),
          digest: configDigest(guest),
        }
      },
    },
    {
      method: 'GET',
      path: `${base}/{vmid}/pending`,
      relayed: true,
      permission: audit,
      run: (call) => {
        const guest = guestOf(call, kind)
        const rows = Object.entries(configEntries(guest)).map(([key, value]) => ({ key, value }))
        const waits = guest.shortcomings?.includes('pending-changes') === true
        return rows.map((row) => (waits && row.key === 'memory' ? { ...row, pending: guest.memoryMiB * 2 } : row))
      },
    },
    {
      method: 'GET',
      path: `${base}/{vmid}/status/current`,
      relayed: true,
      permission: audit,
      run: (call) => currentRow(guestOf(call, kind), uptime(call)),
    },
    {
      method: 'GET',
      path: `${base}/{vmid}/snapshot`,
      relayed: true,
      permission: audit,
      run: (call) => {
        const guest = guestOf(call, kind)
        const running = guest.status === 'running' ? 1 : 0
        const saved = guest.shortcomings?.includes('snapshots') === true ? [{ name: 'before', snaptime: 1 }] : []
        return [...saved, { name: 'current', description: 'You are here!', digest: configDigest(guest), running }]
      },
    },
  ]
}

export const guestEndpoints: Endpoint[] = [...endpointsOf('qemu'), ...endpointsOf('lxc')]
