/** The call that makes a VM of fetched disks: the archived configuration, key by key, as a creation takes it. */
import { createHash } from 'node:crypto'
import { valuesIn } from '../../domain/identity/embedded-identity.ts'
import type { IntendedRestore } from '../capabilities/restores.ts'
import type { Form } from './answers.ts'
import { descriptionIn } from './archived-description.ts'
import { isDiskKey } from './guest-disks.ts'
import { readOptions } from './property-parts.ts'
import { needsOf } from './restore-needs.ts'
import { movedInterfaces, noteOf, rehearsed, withoutAddress } from './restore-form.ts'

/** The platform's own, which it makes anew or keeps for the moment. */
const OWN = /^(?:digest|lock|parent|snaptime|vmstate|running[\w-]*|unused\d+|meta|template|description|name)$/
/** Parts of a disk's line that are about the volume it had. */
const OF_THE_VOLUME = new Set(['file', 'volume', 'size', 'format'])

/** Only root may write these in a new configuration (qemu-server 9.2.6, check_vm_modify_config_perm). */
function isForRoot(key: string, value: string): boolean {
  if (key === 'args' || key === 'hookscript' || /^parallel\d+$/.test(key)) return true
  if (/^serial\d+$/.test(key)) return value !== 'socket'
  const parts = readOptions(value, 'host')
  if (parts.has('mapping')) return false
  return /^hostpci\d+$/.test(key) || (/^usb\d+$/.test(key) && parts.get('host') !== 'spice')
}

/** Keys that an import can't bring: only root may write them, or their value is hidden in what is known of the archive. */
export function leftOutOfImport(configuration: string): string[] {
  return Object.entries(valuesIn(configuration))
    .filter(([key, value]) => key === 'cipassword' || isForRoot(key, value))
    .map(([key]) => key)
}

export function importForm(intended: IntendedRestore, token: string): Form {
  const { archive, target, imports = [] } = intended
  const { configuration = '' } = archive
  const values = valuesIn(configuration)
  const dropped = new Set(leftOutOfImport(configuration))
  const kept = Object.entries(values).filter(
    // A generation id is made for each new guest, unless there is to be none.
    ([key, value]) => !OWN.test(key) && !dropped.has(key) && !(key === 'vmgenid' && value !== '0'),
  )
  const settings = kept.filter(([key]) => !isDiskKey('vm', key))
  const drives = kept.filter(([key]) => isDiskKey('vm', key))
  const name = target.name ?? values['name']
  const description = noteOf(intended, token) ?? descriptionIn(configuration)
  return {
    vmid: target.id,
    ...(target.pool === undefined ? {} : { pool: target.pool }),
    ...(name === undefined ? {} : { name }),
    ...(description === '' ? {} : { description }),
    ...Object.fromEntries(
      settings.map(([key, value]) => [key, target.unique === true ? ownOf(key, value, token) : value]),
    ),
    ...movedInterfaces(intended),
    ...rehearsed(target),
    ...Object.fromEntries(drives.flatMap(([key, line]) => driveOf(key, line, intended, imports))),
  }
}

function driveOf(
  key: string,
  line: string,
  intended: IntendedRestore,
  imports: NonNullable<IntendedRestore['imports']>,
): [string, string][] {
  const parts = readOptions(line, 'file')
  const storage = needsOf(intended)?.disks.find((disk) => disk.key === key)?.storage
  const found = imports.find(({ disk }) => disk === key)
  const options = [...parts].filter(([name]) => !OF_THE_VOLUME.has(name)).map(([name, value]) => `${name}=${value}`)
  if (found !== undefined && storage !== undefined) {
    return [[key, [`${storage}:0`, `import-from=${found.ref}`, ...options].join(',')]]
  }
  if (parts.get('media') !== 'cdrom') return []
  // What a person put into the drive may be on no storage of this site: a creation would fail by it.
  const volume = parts.get('file') ?? ''
  const cloudInit = /^([^:]+):.*\bcloudinit\b/.exec(volume)?.[1]
  const held = cloudInit === undefined ? 'none' : `${intended.target.storage ?? cloudInit}:cloudinit`
  return [[key, [held, ...options].join(',')]]
}

/** For a guest of its own: no hardware address, so that the platform gives one, and another uuid. */
function ownOf(key: string, value: string, token: string): string {
  if (/^net\d+$/.test(key)) return withoutAddress(value)
  return key === 'smbios1' ? value.replace(/uuid=[\da-f-]+/i, `uuid=${uuidOf(token)}`) : value
}

/** The same in each call, and of this restore alone. */
function uuidOf(token: string): string {
  const hex = createHash('sha256').update(`guestlift ${token}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
