/** Snapshots: make, remove, consolidate. */
import {
  invalidState,
  noDiskSpace,
  notSupported,
  objectNotFound,
  tooManySnapshotLevels,
  VimFault,
} from '../wire/faults.ts'
import { ref, structure, type Value } from '../wire/values.ts'
import { addSnapshot, consolidate, depthOf, removeSnapshot, removeTree } from '../world/snapshots.ts'
import { must, type Guest, type Snapshot, type World } from '../world/world.ts'
import { type Call, guestOf, type Method } from './call.ts'
import { guestTask } from './tasks.ts'

const SPACE_BYTES = 16 * 1024 ** 2

/** Disks that make the platform refuse a snapshot. */
function incompatible(guest: Guest): string | undefined {
  if (guest.sharedBus !== 'noSharing') return `SCSI controller 0`
  return guest.disks.find(({ sharing, mode }) => sharing === 'sharingMultiWriter' && mode === 'persistent')?.label
}

function checked(guest: Guest): void {
  const device = incompatible(guest)
  if (device !== undefined)
    throw new VimFault(
      'SnapshotIncompatibleDeviceInVm',
      'An error occurred while taking a snapshot: The virtual machine has virtual disks or devices that prevent taking a snapshot.',
      {
        fault: structure('LocalizedMethodFault', {
          fault: { ...structure('SharedBusControllerNotSupported', {}), named: true },
          localizedMessage: { kind: 'scalar', type: 'xsd:string', text: `Device '${device}' is shared.` },
        }),
      },
    )
  if (depthOf(guest.current) >= 32) throw tooManySnapshotLevels()
}

/** A snapshot takes hardly any room, and none of it is there on a full datastore. */
function demandSpace(world: World, guest: Guest): void {
  for (const { top } of guest.disks) {
    const datastore = must(world, 'Datastore', top.datastoreId)
    if (datastore.freeBytes < SPACE_BYTES) throw noDiskSpace(datastore.name)
  }
}

/** The platform ignores quiescing where nothing in the guest could do it. */
const canQuiesce = ({ powerState, toolsRunning }: Guest): boolean => powerState === 'poweredOn' && toolsRunning

function quiesceFailure(world: World): VimFault | undefined {
  const fault = world.settings.quiesceFault
  return fault === undefined
    ? undefined
    : new VimFault(
        fault.type,
        "An error occurred while quiescing the virtual machine. See the virtual machine's event log for details.",
      )
}

function create(call: Call, wantsQuiesce: boolean): Value {
  const { world, input } = call
  const guest = guestOf(call)
  if (guest.template) throw invalidState()
  const name = input.textOf('name') ?? ''
  const description = input.textOf('description') ?? ''
  return guestTask(call, guest, () => {
    checked(guest)
    demandSpace(world, guest)
    const quiesced = wantsQuiesce && canQuiesce(guest)
    const failure = quiesced ? quiesceFailure(world) : undefined
    if (failure !== undefined && world.settings.quiesceFault?.leavesSnapshot !== true) throw failure
    const snapshot = addSnapshot(world, guest, { name, description, quiesced: quiesced && failure === undefined })
    if (failure !== undefined) throw failure
    return ref('VirtualMachineSnapshot', snapshot.id)
  })
}

export const CreateSnapshot_Task: Method = {
  on: ['VirtualMachine'],
  parameters: 'name:string description:string? memory:boolean quiesce:boolean',
  privilege: 'VirtualMachine.State.CreateSnapshot',
  run: (call) => create(call, call.input.flagOf('quiesce') ?? false),
}

export const CreateSnapshotEx_Task: Method = {
  on: ['VirtualMachine'],
  parameters: 'name:string description:string? memory:boolean quiesceSpec:VirtualMachineGuestQuiesceSpec?',
  privilege: 'VirtualMachine.State.CreateSnapshot',
  run: (call) => {
    const spec = call.input.child('quiesceSpec')
    const minutes = Number(spec?.textOf('timeout') ?? 15)
    if (minutes < 5 || minutes > 240)
      throw new VimFault('InvalidArgument', 'A specified parameter was not correct: quiesceSpec.timeout')
    return create(call, spec !== undefined)
  },
}

function snapshotOf({ world, target }: Call): { guest: Guest; snapshot: Snapshot } {
  const snapshot = world.snapshots.get(target.id)
  if (snapshot === undefined) throw objectNotFound(ref(target.type, target.id))
  return { snapshot, guest: must(world, 'VirtualMachine', snapshot.guestId) }
}

export const RemoveSnapshot_Task: Method = {
  on: ['VirtualMachineSnapshot'],
  parameters: 'removeChildren:boolean consolidate:boolean?',
  privilege: 'VirtualMachine.State.RemoveSnapshot',
  run: (call) => {
    const { world, input } = call
    const { guest, snapshot } = snapshotOf(call)
    const remove = input.flagOf('removeChildren') === true ? removeTree : removeSnapshot
    return guestTask(call, guest, () => {
      const leaveFiles = world.settings.keepConsolidationNeeded || input.flagOf('consolidate') === false
      remove(world, guest, snapshot, { leaveFiles })
      return undefined
    })
  },
}

export const RemoveAllSnapshots_Task: Method = {
  on: ['VirtualMachine'],
  parameters: 'consolidate:boolean?',
  privilege: 'VirtualMachine.State.RemoveSnapshot',
  run: (call) => {
    const guest = guestOf(call)
    return guestTask(call, guest, () => {
      for (const snapshot of guest.snapshots.filter(({ parent }) => parent === undefined))
        removeTree(call.world, guest, snapshot)
      return undefined
    })
  },
}

export const ConsolidateVMDisks_Task: Method = {
  on: ['VirtualMachine'],
  parameters: '',
  privilege: 'VirtualMachine.State.RemoveSnapshot',
  run: (call) => {
    const { world } = call
    const guest = guestOf(call)
    if (guest.template) throw notSupported()
    return guestTask(call, guest, () => {
      if (!world.settings.keepConsolidationNeeded) consolidate(world, guest)
      return undefined
    })
  },
}
