/** Power, as far as Guestlift touches it. */
import { invalidPowerState, invalidState, VimFault } from '../wire/faults.ts'
import type { Value } from '../wire/values.ts'
import { writeGuestFiles } from '../world/guest-files.ts'
import type { Guest, PowerState } from '../world/world.ts'
import { type Call, guestOf, type Method } from './call.ts'
import { guestTask } from './tasks.ts'

function turn(call: Call, wanted: PowerState): Value {
  const guest = guestOf(call)
  if (guest.template) throw invalidState()
  const started = guestTask(call, guest, () => {
    if (wanted === 'poweredOn' && guest.missing !== undefined) throw guest.missing
    if (guest.powerState === wanted) throw invalidPowerState(wanted, guest.powerState)
    set(call, guest, wanted)
    return undefined
  })
  // A question in the guest's window: the start waits for whoever answers it.
  const waiting = started.kind === 'reference' ? call.world.tasks.get(started.id) : undefined
  if (waiting !== undefined && wanted === 'poweredOn' && guest.question) waiting.held = true
  return started
}

function set(call: Call, guest: Guest, wanted: PowerState): void {
  guest.powerState = wanted
  guest.toolsRunning = wanted === 'poweredOn'
  guest.hasNvram ||= wanted === 'poweredOn'
  // A disk that is opened for writing gets a new id; one that others build on doesn't.
  const frozen = new Set(guest.snapshots.flatMap(({ links }) => [...links.values()]))
  if (wanted === 'poweredOn') for (const { top } of guest.disks) if (!frozen.has(top)) top.cid = call.world.hex(8)
  writeGuestFiles(call.world, guest)
}

export const PowerOnVM_Task: Method = {
  on: ['VirtualMachine'],
  parameters: 'host:@HostSystem?',
  privilege: 'VirtualMachine.Interact.PowerOn',
  run: (call) => turn(call, 'poweredOn'),
}

export const PowerOffVM_Task: Method = {
  on: ['VirtualMachine'],
  parameters: '',
  privilege: 'VirtualMachine.Interact.PowerOff',
  run: (call) => turn(call, 'poweredOff'),
}

/** What is done inside needs its Tools. */
function withTools(call: Call): Guest {
  const guest = guestOf(call)
  if (guest.powerState !== 'poweredOn') throw invalidPowerState('poweredOn', guest.powerState)
  if (!guest.toolsRunning)
    throw new VimFault(
      'ToolsUnavailable',
      'Cannot complete operation because VMware Tools is not running in this virtual machine.',
    )
  return guest
}

export const ShutdownGuest: Method = {
  on: ['VirtualMachine'],
  parameters: '',
  privilege: 'VirtualMachine.Interact.PowerOff',
  run: (call) => {
    set(call, withTools(call), 'poweredOff')
    return undefined
  },
}

export const RebootGuest: Method = {
  on: ['VirtualMachine'],
  parameters: '',
  privilege: 'VirtualMachine.Interact.Reset',
  run: (call) => {
    withTools(call)
    return undefined
  },
}
