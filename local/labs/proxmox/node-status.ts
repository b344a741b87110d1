/** Rows that describe a node. The hardware is made up; its shape is a real one's. */
import { may } from './permissions.ts'
import type { LabNode, World } from './world.ts'

const MEMORY_BYTES = 32 * 1024 ** 3
const DISK_BYTES = 256 * 1024 ** 3

/** With Sys.Audit on the node its load; without, only that it is there. */
export function nodeResource(world: World, who: string, node: LabNode): Record<string, unknown> {
  const row = {
    id: `node/${node.name}`,
    node: node.name,
    type: 'node',
    level: '',
    status: node.online ? 'online' : 'offline',
  }
  if (!node.online || !may(world.site, who, `/nodes/${node.name}`, 'Sys.Audit')) return row
  return {
    ...row,
    cpu: 0.04,
    maxcpu: 8,
    mem: Math.round(MEMORY_BYTES * 0.3),
    maxmem: MEMORY_BYTES,
    disk: Math.round(DISK_BYTES * 0.2),
    maxdisk: DISK_BYTES,
    uptime: world.uptimeSeconds(),
  }
}

export function nodeStatus(world: World): Record<string, unknown> {
  const used = Math.round(DISK_BYTES * 0.2)
  const kernel = {
    sysname: 'Linux',
    release: '6.17.2-1-pve',
    version: '#1 SMP PREEMPT_DYNAMIC PMX 6.17.2-1',
    machine: 'x86_64',
  }
  return {
    pveversion: 'pve-manager/9.2.11/14a22df35955d97d',
    uptime: world.uptimeSeconds(),
    cpu: 0.04,
    wait: 0.001,
    idle: 0,
    loadavg: ['0.10', '0.12', '0.09'],
    'boot-info': { mode: 'legacy-bios' },
    'current-kernel': kernel,
    kversion: `${kernel.sysname} ${kernel.release} ${kernel.version}`,
    ksm: { shared: 0 },
    memory: {
      total: MEMORY_BYTES,
      used: Math.round(MEMORY_BYTES * 0.3),
      available: Math.round(MEMORY_BYTES * 0.7),
      free: Math.round(MEMORY_BYTES * 0.6),
    },
    swap: { total: 0, used: 0, free: 0 },
    rootfs: { total: DISK_BYTES, used, avail: DISK_BYTES - used, free: DISK_BYTES - used },
    cpuinfo: {
      model: 'Lab virtual processor',
      vendor: 'GenuineIntel',
      family: '6',
      sockets: 1,
      cores: 8,
      cpus: 8,
      mhz: '2400.000',
      hvm: '1',
      flags: 'fpu vme de pse tsc msr pae',
      user_hz: 100,
    },
  }
}
