/** What an archived configuration asks of the site that it is restored on. Pure. Rules: qemu-server 9.2.6, pve-container 6.1.10. */
import { valuesIn } from '../../domain/identity/embedded-identity.ts'
import type { IntendedRestore } from '../capabilities/restores.ts'
import { isDiskKey } from './guest-disks.ts'
import { parseVolid } from './identifiers.ts'
import { parseSize, readOptions } from './property-parts.ts'

export interface NeededDisk {
  key: string
  /** Where it will lie. */
  storage: string
  sizeBytes?: number
}

export interface NeededBridge {
  key: string
  bridge: string
  /** Its VLAN. */
  tag?: string
}

export interface RestoreNeeds {
  disks: NeededDisk[]
  /** Disks that are in no archive, by their keys. */
  leftOut: string[]
  bridges: NeededBridge[]
  /** A container whose root is the node's root. */
  privileged: boolean
  /** Directories and devices of the node, by their keys. */
  bindMounts: string[]
  /** Devices of the node that the guest was given, by their keys. */
  hostDevices: string[]
  /** Devices that the cluster gives out by name, as paths of rights. */
  mappings: string[]
  /** A script of the node that runs whenever the guest starts or stops. */
  hookScript: boolean
  /** Lines of the underlying container software, which only root may write. */
  customOptions: boolean
}

/** Where a container goes that names no storage. */
const DEFAULT_STORAGE = 'local'

/** `undefined` where the archive's configuration isn't known. */
export function needsOf({ archive, target }: IntendedRestore): RestoreNeeds | undefined {
  const { configuration, guest } = archive
  if (configuration === undefined) return undefined
  const values = valuesIn(configuration)
  const isVm = guest.kind === 'vm'
  const keys = Object.keys(values).filter((key) => isDiskKey(guest.kind, key))
  const held = new Set([...configuration.matchAll(/^#qmdump#map:([^:\n]+):/gm)].map(([, key = '']) => key))
  const disks: NeededDisk[] = []
  const leftOut: string[] = []
  const bindMounts: string[] = []
  for (const key of keys) {
    const parts = readOptions(values[key] ?? '', 'file')
    const volume = parts.get('file') ?? parts.get('volume') ?? ''
    if (!isVm && volume.startsWith('/')) bindMounts.push(key)
    if (volume.startsWith('/') || parts.get('media') === 'cdrom' || volume === 'none') continue
    const isHeld = isVm ? (held.size > 0 ? held.has(key) : parts.get('backup') !== '0') : true
    if (!isHeld || (!isVm && key !== 'rootfs' && parts.get('backup') !== '1')) leftOut.push(key)
    if (!isHeld) continue
    const archived = isVm ? (parseVolid(volume)?.storage ?? DEFAULT_STORAGE) : DEFAULT_STORAGE
    const sizeBytes = parseSize(parts.get('size'))
    disks.push({ key, storage: target.storage ?? archived, ...(sizeBytes === undefined ? {} : { sizeBytes }) })
  }
  return {
    disks,
    leftOut,
    bridges: bridgesIn(values, target.bridges),
    privileged: !isVm && values['unprivileged'] !== '1',
    bindMounts,
    ...devicesIn(values),
    hookScript: values['hookscript'] !== undefined,
    customOptions: /^lxc\.[\w.]+[:=]/m.test(configuration),
  }
}

function bridgesIn(values: Readonly<Record<string, string>>, mapped: Readonly<Record<string, string>> = {}) {
  return Object.entries(values).flatMap(([key, value]): NeededBridge[] => {
    const parts = readOptions(value, 'model')
    const bridge = /^net\d+$/.test(key) ? parts.get('bridge') : undefined
    if (bridge === undefined) return []
    const tag = parts.get('tag')
    return [{ key, bridge: mapped[bridge] ?? bridge, ...(tag === undefined ? {} : { tag }) }]
  })
}

function devicesIn(values: Readonly<Record<string, string>>): Pick<RestoreNeeds, 'hostDevices' | 'mappings'> {
  const hostDevices: string[] = []
  const mappings: string[] = []
  for (const [key, value] of Object.entries(values)) {
    const [, kind] = /^(hostpci|usb|dev)\d+$/.exec(key) ?? []
    if (kind === undefined) continue
    const parts = readOptions(value, 'host')
    const mapping = parts.get('mapping')
    if (mapping !== undefined) mappings.push(`/mapping/${kind === 'usb' ? 'usb' : 'pci'}/${mapping}`)
    else if (!(kind === 'usb' && parts.get('host') === 'spice')) hostDevices.push(key)
  }
  return { hostDevices, mappings }
}
