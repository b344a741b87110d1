/** Virtual machines as guests. */
import type { GuestRunState } from '../../contracts/selection.ts'
import { compareIds } from '../../domain/identity/compare-ids.ts'
import { findMachine } from '../../vsphere-api/held.ts'
import { listObjects, readObject } from '../../vsphere-api/properties.ts'
import type { VimSession } from '../../vsphere-api/vim-session.ts'
import { isGone } from '../../vsphere-api/vim-fault.ts'
import type { Xml } from '../../vsphere-api/xml.ts'
import type { FoundGuest, GuestRecord } from '../guest-facts.ts'
import { isInstanceUuid } from './identifiers.ts'
import { LIST_PATHS, type Machine, machineOf } from './machine.ts'
import { nameOfHost, type Places, shownPath } from './places.ts'

export interface ListedMachines {
  machines: Machine[]
  /** Guests that the server can't describe, and rights that are missing: sentences. */
  notes: string[]
  /** A list with holes: why. */
  mayLack: string | undefined
}

/** @throws VimFault, facts of ours */
export async function listMachines(session: VimSession): Promise<ListedMachines> {
  const objects = await listObjects(session, 'VirtualMachine', LIST_PATHS)
  const machines = objects.map(machineOf).filter((machine) => machine !== undefined)
  const without = objects.length - machines.length
  const refused = objects.find(({ missing }) => missing.has('config.instanceUuid'))
  const why = refused?.missing.get('config.instanceUuid')?.said
  return {
    machines,
    notes:
      without === 0
        ? []
        : [
            `${without} virtual machine${without === 1 ? ' has' : 's have'} no instance UUID${why === undefined ? '' : ` (${why})`}: ` +
              'orphaned or inaccessible ones have none, and can not be archived.',
          ],
    mayLack: why === undefined ? undefined : `The account may not read every virtual machine (${why}).`,
  }
}

/** One after the other costs two calls each; from so many on, the list of all is read. */
const FEW = 20

/** Those of the ids that are there. @throws VimFault, facts of ours */
export async function findMachines(session: VimSession, ids: readonly string[]): Promise<Machine[]> {
  if (ids.length > FEW) {
    const wanted = new Set(ids)
    return (await listMachines(session)).machines.filter(({ id }) => wanted.has(id))
  }
  const read = await Promise.all(ids.map((id) => readMachine(session, id)))
  return read.flatMap((one) => one?.machine ?? [])
}

/** The machine of an id as it is now; `undefined` where the server knows none. @throws VimFault, facts of ours */
export async function readMachine(
  session: VimSession,
  id: string,
  morePaths: readonly string[] = [],
): Promise<{ machine: Machine; properties: ReadonlyMap<string, Xml> } | undefined> {
  if (!isInstanceUuid(id)) return undefined
  const ref = await findMachine(session, id)
  if (ref === undefined) return undefined
  try {
    const properties = await readObject(session, ref, [...LIST_PATHS, ...morePaths])
    const machine = machineOf({ ref, properties })
    return machine === undefined ? undefined : { machine, properties }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

export function foundGuest(machine: Machine, places: Places): FoundGuest {
  const { id, name, host, connectionState } = machine
  return {
    id,
    kind: 'vm',
    name: name === '' ? id : name,
    node: nameOfHost(places, host),
    // An instance UUID is unique in its vCenter, and stays when the guest is registered anew.
    identity: { id },
    nodeOffline: connectionState !== '' && connectionState !== 'connected',
  }
}

export function guestRecord(machine: Machine, places: Places, tags: readonly string[]): GuestRecord {
  const { cpus, memoryBytes, committedBytes } = machine
  const pool = shownPath(places, machine.pool)
  return {
    ...foundGuest(machine, places),
    state: stateOf(machine),
    template: machine.template,
    tags: [...tags],
    ...(pool === '' ? {} : { pool }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(committedBytes === undefined ? {} : { diskBytes: committedBytes }),
    missingPrivileges: [],
  }
}

function stateOf({ powerState, connectionState }: Machine): GuestRunState {
  if (connectionState !== 'connected') return 'unknown'
  if (powerState === 'poweredOn') return 'running'
  if (powerState === 'poweredOff') return 'stopped'
  return powerState === 'suspended' ? 'suspended' : 'unknown'
}

export function byId(one: { id: string }, other: { id: string }): number {
  return compareIds(one.id, other.id)
}
