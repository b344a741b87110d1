/** Holds a guest that was restored against the one that was archived, device by device. Pure. */
import type { ConfigurationChange, ConfigurationComparison } from '../../contracts/restore.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { textOf, type Xml } from '../../vsphere-api/xml.ts'
import type { ArchivedGuest } from './archived-guest.ts'
import { hardwareOf, type Machine, pluggedIn } from './machine.ts'

export const COMPARE_PATHS = ['config.hardware.device', 'config.firmware', 'config.version'] as const

export function compareMade(
  guest: ArchivedGuest,
  { machine, properties }: { machine: Machine; properties: ReadonlyMap<string, Xml> },
  unique: boolean,
): ConfigurationComparison {
  const hardware = hardwareOf(properties.get('config.hardware.device'))
  const expected: ConfigurationChange[] = []
  const differences: ConfigurationChange[] = []
  const hold = (key: string, archived: string | undefined, made: string | undefined, why?: string): void => {
    if (archived === made) return
    const change = { key, ...(archived === undefined ? {} : { archived }), ...(made === undefined ? {} : { made }) }
    if (why === undefined) differences.push({ ...change, why: 'The platform made something else of it.' })
    else expected.push({ ...change, why })
  }
  hold('name', guest.name, machine.name, 'It was given another name.')
  hold('instanceUuid', guest.id, machine.id, unique ? 'It has an identity of its own.' : undefined)
  hold('cpus', numeral(guest.cpus), numeral(machine.cpus))
  hold('memory', size(guest.memoryBytes), size(machine.memoryBytes))
  hold('firmware', guest.firmware, textOf(properties.get('config.firmware')))
  hold('hardwareVersion', guest.hardwareVersion, textOf(properties.get('config.version')))
  const made = new Map(hardware.disks.map((disk) => [disk.slot, disk]))
  for (const { slot, capacityBytes, archivedAs } of guest.disks) {
    const why = archivedAs === undefined ? 'The archive does not hold it.' : undefined
    hold(`disk ${slot}`, size(capacityBytes), size(made.get(slot)?.capacityBytes), why)
  }
  for (const { slot, capacityBytes } of hardware.disks) {
    if (!guest.disks.some((disk) => disk.slot === slot)) hold(`disk ${slot}`, undefined, size(capacityBytes))
  }
  for (const [index, card] of guest.networks.entries()) {
    const its = hardware.networks[index]
    const words = ({ type, network }: { type: string; network: string }) => `${type} on ${network}`
    hold(card.label, words(card), its === undefined ? undefined : words(its))
    const why = unique ? 'It has hardware addresses of its own.' : undefined
    if (its !== undefined) hold(`${card.label} address`, card.macAddress, its.macAddress, why)
  }
  for (const card of hardware.networks.slice(guest.networks.length)) hold(card.label, undefined, card.type)
  const plugged = pluggedIn(properties.get('config.hardware.device'))
  if (plugged.length > 0) {
    const why = 'A restored guest was to be unplugged. Disconnect it before it starts: its archived self may be there.'
    differences.push({ key: 'network', archived: 'not connected', made: `connected: ${plugged.join(', ')}`, why })
  } else if (hardware.networks.length > 0) {
    hold('network', 'connected', 'not connected', 'A restored guest is unplugged: connect it when it may be seen.')
  }
  return { expected, differences }
}

function numeral(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

/** Exact, and readable. */
function size(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : `${formatBytes(bytes)} (${bytes} bytes)`
}
