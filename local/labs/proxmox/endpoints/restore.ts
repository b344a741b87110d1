/** Making guests from archives: POST /nodes/{node}/qemu and /lxc. Guests without an archive are the lab's own to make. */
import { ApiError, failure, parameterError } from '../api-error.ts'
import { may, require } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import type { ParameterTable, Values } from '../schema-check.ts'
import { restoreContainer } from '../restore/restore-container.ts'
import { archiveOf, type RestoreCall, targetStorage } from '../restore/restore-task.ts'
import { restoreVm } from '../restore/restore-vm.ts'
import { createVm } from '../restore/create-vm.ts'
import { emptyGuest, readArchivedConfig } from '../restore/restored-guest.ts'
import { readArchiveConfig } from '../archive-config.ts'
import { findGuest, type LabGuest, type LabGuestKind, type World } from '../world.ts'
import { become } from './guest-power.ts'
import { requireVolume } from './content.ts'

const text = { type: 'string' } as const
const boolean = { type: 'boolean' } as const
const numbered = (name: string, count: number): ParameterTable =>
  Object.fromEntries(Array.from({ length: count }, (_none, index) => [`${name}${index}`, text]))

/** Configuration that a call may give beside an archive, and what giving it takes. */
const OVERRIDES: Record<LabGuestKind, ParameterTable> = {
  qemu: { name: text, description: text, memory: text, cores: text, tags: text, onboot: boolean, protection: boolean, agent: text, ...numbered('net', 32) },
  lxc: { hostname: text, description: text, memory: text, cores: text, swap: text, tags: text, onboot: boolean, protection: boolean, unprivileged: boolean, rootfs: text, ...numbered('mp', 8), ...numbered('net', 32) },
} // biome-ignore format: one kind a line

const DRIVES = {
  ...numbered('ide', 4),
  ...numbered('sata', 6),
  ...numbered('scsi', 31),
  ...numbered('virtio', 16),
  efidisk0: text,
  tpmstate0: text,
}

/** What a new VM's configuration may hold beside what an archive's may be overridden with. */
const SETTINGS: ParameterTable = {
  acpi: boolean, args: text, balloon: text, bios: text, boot: text, ciuser: text, cipassword: text, cpu: text, cpuunits: text,
  hotplug: text, kvm: boolean, localtime: boolean, machine: text, nameserver: text, numa: boolean, ostype: text, rng0: text,
  scsihw: text, searchdomain: text, shares: text, smbios1: text, sockets: text, sshkeys: text, startup: text, tablet: boolean,
  vcpus: text, vga: text, vmgenid: text, ...numbered('hostpci', 16), ...numbered('ipconfig', 32), ...numbered('serial', 4),
  ...numbered('usb', 14),
} // biome-ignore format: many keys

const shared: ParameterTable = {
  vmid: { type: 'integer', required: true, format: 'pve-vmid', minimum: 100, maximum: 999_999_999 },
  force: boolean,
  unique: boolean,
  start: boolean,
  storage: { type: 'string', format: 'pve-storage-id' },
  pool: text,
  bwlimit: { type: 'integer', minimum: 0 },
}

export function privilegeFor(key: string): string | undefined {
  if (/^net\d+$/.test(key) || key === 'hostname') return 'VM.Config.Network'
  if (key === 'memory' || key === 'swap') return 'VM.Config.Memory'
  if (key === 'cores') return 'VM.Config.CPU'
  if (/^(?:rootfs|mp\d+)$/.test(key)) return 'VM.Config.Disk'
  return key === 'unprivileged' ? undefined : 'VM.Config.Options'
}

function givenIn(kind: LabGuestKind, values: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => OVERRIDES[kind][key] !== undefined))
}

/** VM.Allocate on the id or the pool; of a guest that is replaced, VM.Backup will do. */
function requireGuest({ world, caller, values }: Call, existing: LabGuest | undefined): void {
  const { site } = world
  const id = `/vms/${values['vmid']}`
  if (may(site, caller.who, id, 'VM.Allocate')) return
  const pool = values['pool']
  if (pool !== undefined && may(site, caller.who, `/pool/${pool}`, 'VM.Allocate')) return
  if (existing !== undefined && values['force'] === '1' && may(site, caller.who, id, 'VM.Backup')) return
  throw new ApiError(403, 'Permission check failed\n', { asException: true })
}

/** @param path of the guest, or of the pool that it is made in, whose rights reach it */
function requireOverrides(call: Call, given: Record<string, string>): void {
  const { world, caller, values } = call
  const pool = values['pool']
  for (const key of Object.keys(given)) {
    const privilege = privilegeFor(key)
    if (privilege === undefined) continue
    if (pool !== undefined && may(world.site, caller.who, `/pool/${pool}`, privilege)) continue
    require(world.site, caller.who, `/vms/${values['vmid']}`, privilege)
  }
}

/** Bridges of the configuration as it will be, each with its VLAN. */
function requireBridges({ world, caller }: Call, config: Record<string, string>): void {
  for (const [key, value] of Object.entries(config)) {
    const bridge = /^net\d+$/.test(key) ? /(?:^|,)bridge=([^,]+)/.exec(value)?.[1] : undefined
    if (bridge === undefined) continue
    const tag = /(?:^|,)tag=(\d+)/.exec(value)?.[1]
    const path = `/sdn/zones/localnetwork/${bridge}${tag === undefined ? '' : `/${tag}`}`
    require(world.site, caller.who, path, 'SDN.Use')
  }
}

/** The id is taken in this very call, before the task begins: of two calls one is refused. */
function takeId(world: World, kind: LabGuestKind, vmid: number, node: string, force: boolean): LabGuest | undefined {
  const existing = findGuest(world, vmid)
  const label = kind === 'lxc' ? 'CT' : 'VM'
  const prefix = kind === 'lxc' ? '' : `unable to restore VM ${vmid} - `
  if (existing === undefined) {
    world.site.guests.push(emptyGuest(kind, vmid, node))
    world.save()
    return undefined
  }
  const itsLabel = existing.kind === 'lxc' ? 'CT' : 'VM'
  if (!force || existing.kind !== kind || existing.node !== node) {
    throw failure(`${prefix}${itsLabel} ${vmid} already exists on node '${existing.node}'`)
  }
  if (existing.lock !== undefined) throw failure(`${prefix}${label} is locked (${existing.lock})`)
  if (existing.options['protection'] === '1')
    throw failure(`unable to restore ${label} ${vmid} - protection mode enabled`)
  if (existing.status === 'running') {
    throw failure(`unable to restore ${label} ${vmid} - ${kind === 'lxc' ? 'container' : 'vm'} is running`)
  }
  existing.lock = 'create'
  world.save()
  return existing
}

/** What the archive's configuration decides before a task is begun; an archive that isn't there fails in the task. */
async function archivedValues(call: Call, volid: string): Promise<Record<string, string>> {
  try {
    return readArchivedConfig(await readArchiveConfig(archiveOf({ world: call.world, node: call.node, volid }).path))
      .values
  } catch {
    return {}
  }
}

async function restore(call: Call, kind: LabGuestKind, volid: string): Promise<string> {
  const { world, caller, values, node } = call
  const vmid = Number(values['vmid'])
  requireGuest(call, findGuest(world, vmid))
  if (!volid.includes(':')) throw failure('Only root can pass arbitrary filesystem paths.')
  const [id = '', name = ''] = volid.split(/:(.*)/s)
  requireVolume(world, caller.who, id, name)
  const given = givenIn(kind, values)
  requireOverrides(call, given)
  const storage = values['storage'] ?? (kind === 'lxc' ? 'local' : undefined)
  if (storage !== undefined) {
    require(world.site, caller.who, `/storage/${storage}`, 'Datastore.AllocateSpace')
    if (kind === 'qemu') contentOrFailure(() => targetStorage(world, storage, node, kind))
  }
  const archived = await archivedValues(call, volid)
  const config = { ...archived, ...given }
  requireBridges(call, config)
  if (kind === 'lxc' && Object.keys(archived).length > 0 && config['unprivileged'] !== '1') {
    require(world.site, caller.who, '/', 'Sys.Modify')
  }
  const replaced = takeId(world, kind, vmid, node, values['force'] === '1')
  const what = { node, type: kind === 'lxc' ? 'vzrestore' : 'qmrestore', id: String(vmid), user: caller.who }
  return world.tasks.start(what, async (worker) => {
    const task: RestoreCall = {
      world,
      worker,
      kind,
      vmid,
      node,
      volid,
      ...(storage === undefined ? {} : { storage }),
      unique: values['unique'] === '1',
      ...(replaced === undefined ? {} : { replaced }),
      given,
    }
    await (kind === 'lxc' ? restoreContainer(task) : restoreVm(task))
    if (worker.killed) return
    joinPool(world, values['pool'], vmid)
    const guest = findGuest(world, vmid)
    if (values['start'] === '1' && guest !== undefined) await become(world, guest, 'running')
  })
}

/** What a VM's configuration takes beyond what an archive's may be overridden with. */
function privilegeForNew(key: string, line: string): string {
  if (DRIVES[key as keyof typeof DRIVES] !== undefined) {
    return /(?:^|,)media=cdrom(?:,|$)/.test(line) ? 'VM.Config.CDROM' : 'VM.Config.Disk'
  }
  if (/^(?:ci\w+|ipconfig\d+|nameserver|searchdomain|sshkeys)$/.test(key)) return 'VM.Config.Cloudinit'
  if (/^(?:cpu\w*|sockets|numa|vcpus)$/.test(key)) return 'VM.Config.CPU'
  if (/^(?:bios|machine|scsihw|vga|serial\d+|usb\d+|hostpci\d+|smbios1|rng0)$/.test(key)) return 'VM.Config.HWType'
  if (/^(?:balloon|shares)$/.test(key)) return 'VM.Config.Memory'
  return privilegeFor(key) ?? 'VM.Config.Options'
}

/** Disks of the call are imported from volumes of a storage; all else the lab makes from archives alone. */
function create(call: Call): string {
  const { world, caller, values, node } = call
  const vmid = Number(values['vmid'])
  requireGuest(call, findGuest(world, vmid))
  const known = { ...OVERRIDES.qemu, ...SETTINGS, ...DRIVES }
  const given = Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(known, key)))
  if (given['args'] !== undefined) throw failure("only root can set 'args' config")
  const pool = values['pool']
  for (const [key, line] of Object.entries(given)) {
    const privilege = privilegeForNew(key, line)
    const byPool = pool !== undefined && may(world.site, caller.who, `/pool/${pool}`, privilege)
    if (!byPool) require(world.site, caller.who, `/vms/${vmid}`, privilege)
    if (!Object.hasOwn(DRIVES, key) || /^none(?:,|$)/.test(line)) continue
    const storage = line.split(':')[0] ?? ''
    const source = /(?:^|,)import-from=([^,]+)/.exec(line)?.[1]
    require(world.site, caller.who, `/storage/${storage}`, 'Datastore.AllocateSpace')
    contentOrFailure(() => targetStorage(world, storage, node, 'qemu'))
    if (source === undefined) {
      if (/^[^:]+:cloudinit(?:,|$)/.test(line)) continue
      throw failure('the lab makes disks of imported ones alone')
    }
    if (!source.includes(':')) throw failure('Only root can pass arbitrary filesystem paths.')
    const [id = '', name = ''] = source.split(/:(.*)/s)
    requireVolume(world, caller.who, id, name)
  }
  requireBridges(call, given)
  const existing = findGuest(world, vmid)
  if (existing !== undefined) {
    const label = existing.kind === 'lxc' ? 'CT' : 'VM'
    throw failure(`unable to create VM ${vmid} - ${label} ${vmid} already exists on node '${existing.node}'`)
  }
  takeId(world, 'qemu', vmid, node, false)
  const what = { node, type: 'qmcreate', id: String(vmid), user: caller.who }
  return world.tasks.start(what, async (worker) => {
    await createVm({ world, worker, vmid, node, given })
    if (worker.killed) return
    joinPool(world, pool, vmid)
    const guest = findGuest(world, vmid)
    if (values['start'] === '1' && guest !== undefined) await become(world, guest, 'running')
  })
}

function joinPool(world: World, id: string | undefined, vmid: number): void {
  const pool = world.site.pools.find((each) => each.id === id)
  if (pool === undefined || pool.vmids.includes(vmid)) return
  pool.vmids.push(vmid)
  world.save()
}

function contentOrFailure(check: () => unknown): void {
  try {
    check()
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw failure(error instanceof Error ? error.message : String(error))
  }
}

export const restoreEndpoints: Endpoint[] = [
  {
    method: 'POST',
    path: '/nodes/{node}/qemu',
    relayed: true,
    parameters: {
      ...shared,
      ...OVERRIDES.qemu,
      ...SETTINGS,
      ...DRIVES,
      archive: text,
      force: { type: 'boolean', needs: 'archive' },
      unique: { type: 'boolean', needs: 'archive' },
      'live-restore': boolean,
    },
    run: (call) => {
      const { archive } = call.values
      if (archive === undefined) return create(call)
      const drive = Object.keys(DRIVES).find((key) => call.values[key] !== undefined)
      if (drive !== undefined) throw parameterError({ [drive]: "option conflicts with option 'archive'" })
      if (archive === '-') throw parameterError({ archive: 'pipe requires cli environment' })
      if (call.values['live-restore'] === '1') {
        throw parameterError({
          'live-restore': 'live-restore is only compatible with backup images from a Proxmox Backup Server',
        })
      }
      return restore(call, 'qemu', archive)
    },
  },
  {
    method: 'POST',
    path: '/nodes/{node}/lxc',
    relayed: true,
    parameters: {
      ...shared,
      ...OVERRIDES.lxc,
      bwlimit: { type: 'number', minimum: 0 },
      ostemplate: { type: 'string', required: true },
      restore: boolean,
      unique: { type: 'boolean', needs: 'restore' },
      'ignore-unpack-errors': boolean,
    },
    run: (call) => {
      const { ostemplate = '', restore: wanted, rootfs } = call.values
      if (wanted !== '1') throw failure(`unable to use volume ${ostemplate} - content type needs to be 'vztmpl'`)
      if (rootfs === undefined && Object.keys(call.values).some((key) => /^mp\d+$/.test(key))) {
        throw parameterError({ rootfs: "mount points configured, but 'rootfs' not set - aborting" })
      }
      return restore(call, 'lxc', ostemplate)
    },
  },
]
