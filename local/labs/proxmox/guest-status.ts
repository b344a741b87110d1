/** Rows that describe a guest, as the lists show them. */
import type { LabGuest } from './world.ts'

const MIB = 1024 ** 2

const idle = { cpu: 0, mem: 0, memhost: 0, netin: 0, netout: 0, uptime: 0 } as const

const rootBytes = (guest: LabGuest): number => guest.disks[0]?.sizeBytes ?? 0

function usage(guest: LabGuest, seconds: number): Record<string, number> {
  if (guest.status === 'stopped') return { ...idle }
  const mem = Math.round(guest.memoryMiB * MIB * 0.4)
  return { ...idle, cpu: 0.012, mem, memhost: mem, netin: 48_213, netout: 9_120, uptime: seconds }
}

/** A row of /cluster/resources. Of a guest on a node that doesn't answer little is known. */
export function resourceRow(
  guest: LabGuest,
  nodeOnline: boolean,
  uptime: number,
  pool: string | undefined,
): Record<string, unknown> {
  const row = {
    id: `${guest.kind}/${guest.vmid}`,
    vmid: guest.vmid,
    node: guest.node,
    type: guest.kind,
    ...(pool === undefined ? {} : { pool }),
    ...(guest.tags === undefined ? {} : { tags: guest.tags }),
    ...(guest.lock === undefined ? {} : { lock: guest.lock }),
    ...(guest.haState === undefined ? {} : { hastate: guest.haState }),
  }
  if (!nodeOnline) return { ...row, status: 'unknown' }
  return {
    ...row,
    ...usage(guest, uptime),
    status: guest.status,
    name: guest.name,
    template: guest.template ? 1 : 0,
    maxcpu: guest.cores,
    maxmem: guest.memoryMiB * MIB,
    maxdisk: rootBytes(guest),
    disk: 0,
    diskread: 0,
    diskwrite: 0,
  }
}

/** A row of /nodes/{node}/qemu or /lxc. */
export function nodeRow(guest: LabGuest, uptime: number, full: boolean): Record<string, unknown> {
  const row = {
    vmid: guest.vmid,
    name: guest.name,
    status: guest.status,
    cpus: guest.cores,
    maxmem: guest.memoryMiB * MIB,
    maxdisk: rootBytes(guest),
    disk: 0,
    ...usage(guest, uptime),
    ...(guest.template ? { template: 1 } : {}),
    ...(guest.lock === undefined ? {} : { lock: guest.lock }),
    ...(guest.tags === undefined ? {} : { tags: guest.tags }),
  }
  const running = guest.status === 'running'
  if (guest.kind === 'lxc') {
    const { memhost: _memhost, ...known } = row as Record<string, unknown>
    return {
      ...known,
      type: 'lxc',
      swap: 0,
      maxswap: 512 * MIB,
      diskread: 0,
      diskwrite: 0,
      ...(running ? { pid: 10_000 + guest.vmid } : {}),
    }
  }
  return {
    ...row,
    ...(running ? { pid: 10_000 + guest.vmid, diskread: 0, diskwrite: 0 } : {}),
    ...(full ? { qmpstatus: guest.status } : {}),
  }
}

export function currentRow(guest: LabGuest, uptime: number): Record<string, unknown> {
  const managed = guest.haState === undefined ? 0 : 1
  const ha = managed === 1 ? { managed, state: guest.haState } : { managed }
  return { ...nodeRow(guest, uptime, true), ha }
}
