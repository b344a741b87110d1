/** Virtual machines as guests. */
import { GuestNotFound } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { GuestRunState } from '../../contracts/selection.ts'
import type { FoundGuest, GuestRecord } from '../guest-facts.ts'
import { resourceGroupOf } from './identifiers.ts'
import { type Machine, type MachineStatus, machineSchema, machineStatusSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'

export async function listMachines(session: SiteSession): Promise<Machine[]> {
  const machines = await session.arm.all(session.machines(), machineSchema)
  // One that is being deleted has no disks left to archive.
  return machines.filter(({ properties }) => properties.provisioningState !== 'Deleting')
}

/** Power states by resource id in lower case: another, narrower list. */
export async function listStates(session: SiteSession): Promise<Map<string, GuestRunState>> {
  const all = await session.arm.all(session.machines({ statusOnly: 'true' }), machineStatusSchema)
  return new Map(all.map((one) => [one.id.toLowerCase(), stateOf(one)]))
}

/** @throws GuestNotFound */
export async function machineOf(session: SiteSession, { id, node }: Pick<Guest, 'id' | 'node'>): Promise<Machine> {
  const where = `region ${node}, guest ${id}`
  const machines = await session.orFact(where, 'looking for the virtual machine', () => listMachines(session))
  const machine = machines.find((one) => guestIdOf(one) === id)
  if (machine !== undefined) return machine
  throw new GuestNotFound(
    `Site ${session.siteName}, ${where}: no virtual machine of the subscription has this vmId. It was deleted, or the application may not see it.`,
  )
}

export function guestIdOf({ properties }: Machine): string {
  return properties.vmId.toLowerCase()
}

/** The region, and the zone where it is in one. */
export function nodeOf({ location, zones }: Machine): string {
  const [zone] = zones ?? []
  return zone === undefined ? regionOf(location) : `${regionOf(location)}-${zone}`
}

/** `West Europe` is `westeurope`. */
export function regionOf(location: string): string {
  return location.toLowerCase().replaceAll(' ', '')
}

export function foundGuest(machine: Machine): FoundGuest {
  const id = guestIdOf(machine)
  // A machine's id is never given again.
  return { id, kind: 'vm', name: machine.name, node: nodeOf(machine), identity: { id }, nodeOffline: false }
}

export function guestRecord(machine: Machine, states: ReadonlyMap<string, GuestRunState>): GuestRecord {
  return {
    ...foundGuest(machine),
    state: states.get(machine.id.toLowerCase()) ?? 'unknown',
    // A job may name the key alone, or key and value.
    tags: Object.entries(machine.tags).flatMap(([key, value]) => (value === '' ? [key] : [`${key}=${value}`, key])),
    pool: resourceGroupOf(machine.id),
    missingPrivileges: [],
  }
}

/** `stopped` is off and still paid for, `deallocated` isn't; something that starts or stops still writes. */
export function stateOf({ properties }: Pick<MachineStatus, 'properties'>): GuestRunState {
  const codes = (properties?.instanceView?.statuses ?? []).map(({ code }) => code)
  const power = codes.find((code) => code.startsWith('PowerState/'))?.slice('PowerState/'.length)
  if (power === 'stopped' || power === 'deallocated') return 'stopped'
  if (power === 'running' || power === 'starting' || power === 'stopping' || power === 'deallocating') return 'running'
  return 'unknown'
}
