/**
 * Who a guest is, by its own configuration: as the platform shows it now, and as an archive holds it. Both are read by
 * the same rule, so that an archive can be told to be of the guest that has its id today.
 */
import type { GuestIdentity, GuestKind } from '../../contracts/nouns.ts'

/** A configuration as keys and values, all text. */
export type ConfigurationValues = Readonly<Record<string, string>>

/**
 * VM: the SMBIOS uuid, with the time of creation as witness. It survives renaming, migrating and restoring under the
 * same id, and, unlike the generation id, a rollback. Container: the hardware address of its first network interface,
 * the one thing in its configuration that is made for it alone. Absent for a container without network.
 */
export function identityOf(kind: GuestKind, values: ConfigurationValues): GuestIdentity | undefined {
  return kind === 'vm' ? ofVm(values) : ofContainer(values)
}

/** The same of a configuration as text, as archives embed it. */
export function identityIn(kind: GuestKind, configurationText: string): GuestIdentity | undefined {
  return identityOf(kind, valuesIn(configurationText))
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
const NIL_UUID = '00000000-0000-0000-0000-000000000000'
const HARDWARE_ADDRESS = /^[\da-f]{2}(?::[\da-f]{2}){5}$/
const NIL_ADDRESS = '00:00:00:00:00:00'

function ofVm(values: ConfigurationValues): GuestIdentity | undefined {
  // `base64=1` is about the other fields: a uuid is never encoded (qemu-server 9.2.6).
  const uuid = option(values['smbios1'], 'uuid')?.toLowerCase()
  if (uuid === undefined || !UUID.test(uuid) || uuid === NIL_UUID) return undefined
  const created = option(values['meta'], 'ctime')
  const witness = created !== undefined && /^\d+$/.test(created) ? { witness: `ctime:${created}` } : {}
  return { id: `smbios:${uuid}`, ...witness }
}

function ofContainer(values: ConfigurationValues): GuestIdentity | undefined {
  const [address] = Object.entries(values)
    .flatMap(([key, value]) => {
      const number = /^net(\d+)$/.exec(key)?.[1]
      const found = option(value, 'hwaddr')?.toLowerCase()
      if (number === undefined || found === undefined) return []
      return HARDWARE_ADDRESS.test(found) && found !== NIL_ADDRESS ? [{ number: Number(number), found }] : []
    })
    .toSorted((one, other) => one.number - other.number)
  return address === undefined ? undefined : { id: `hwaddr:${address.found}` }
}

/** One of the options in `uuid=…,base64=1`. */
function option(value: string | undefined, name: string): string | undefined {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}

/** `key: value` a line. Lines with `#` are the description; sections (`[…]`) are snapshots and changes to come. */
export function valuesIn(text: string): ConfigurationValues {
  const [own = ''] = text.split(/^\[/m)
  return Object.fromEntries(
    [...own.matchAll(/^([a-z][\w-]*):[ \t]*(.*?)[ \t\r]*$/gm)].map(([, key = '', value = '']) => [key, value]),
  )
}
