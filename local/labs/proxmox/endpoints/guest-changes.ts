/** Changing a guest's configuration, destroying it, making a template of it, and asking its agent. Destroying a container was recorded. */
import { failure } from '../api-error.ts'
import { configDigest } from '../guest-config.ts'
import { removeImages, renameToBase } from '../images.ts'
import { require } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import type { ParameterTable } from '../schema-check.ts'
import { forgetGuest } from '../restore/restore-task.ts'
import type { LabGuest, LabGuestKind } from '../world.ts'
import { guestOf } from './guests.ts'
import { privilegeFor } from './restore.ts'

const text = { type: 'string' } as const
const boolean = { type: 'boolean' } as const
const nets: ParameterTable = Object.fromEntries(Array.from({ length: 32 }, (_none, index) => [`net${index}`, text]))
const label = (kind: LabGuestKind): string => (kind === 'lxc' ? 'CT' : 'VM')

const CHANGEABLE: Record<LabGuestKind, ParameterTable> = {
  qemu: { name: text, description: text, tags: text, onboot: boolean, protection: boolean, ...nets },
  lxc: { hostname: text, description: text, tags: text, onboot: boolean, protection: boolean, ...nets },
}

function change(call: Call, kind: LabGuestKind): null {
  const { world, caller, values } = call
  const guest = guestOf(call, kind)
  const given = Object.entries(values).filter(([key]) => CHANGEABLE[kind][key] !== undefined)
  for (const [key] of given) {
    require(world.site, caller.who, `/vms/${guest.vmid}`, privilegeFor(key) ?? 'VM.Config.Options')
  }
  if (guest.lock !== undefined) throw failure(`${label(kind)} is locked (${guest.lock})`)
  if (values['digest'] !== undefined && values['digest'] !== configDigest(guest)) {
    throw failure('detected modified configuration - file changed by other user? Try again.')
  }
  for (const [key, value] of given) setOption(guest, key, value)
  world.save()
  return null
}

function setOption(guest: LabGuest, key: string, value: string): void {
  if (key === 'name' || key === 'hostname') guest.name = value
  else if (key === 'tags') guest.tags = value
  else guest.options[key] = key === 'description' && !value.endsWith('\n') ? `${value}\n` : value
}

function destroy(call: Call, kind: LabGuestKind): string {
  const { world, caller, node, values } = call
  const guest = guestOf(call, kind)
  const { vmid } = guest
  if (guest.options['protection'] === '1')
    throw failure(`can't remove ${label(kind)} ${vmid} - protection mode enabled`)
  if (guest.lock !== undefined && kind === 'lxc') throw failure(`CT is locked (${guest.lock})`)
  if (guest.status === 'running') {
    throw failure(
      kind === 'lxc' ? `unable to destroy CT ${vmid} - container is running` : `VM ${vmid} is running - destroy failed`,
    )
  }
  const what = { node, type: kind === 'lxc' ? 'vzdestroy' : 'qmdestroy', id: String(vmid), user: caller.who }
  return world.tasks.start(what, async (worker) => {
    // A VM's lock is met by the task alone.
    if (guest.lock !== undefined) throw new Error(`VM is locked (${guest.lock})`)
    if (values['purge'] === '1') worker.log(`purging ${label(kind)} ${vmid} from related configurations..`)
    removeImages(world, guest)
    for (const pool of world.site.pools) pool.vmids = pool.vmids.filter((each) => each !== vmid)
    forgetGuest(world, vmid)
  })
}

/** A VM's disks become read-only under other names in a task; a container's answer comes when all is done. */
function makeTemplate(call: Call, kind: LabGuestKind): string | null {
  const { world, caller, node } = call
  const guest = guestOf(call, kind)
  const { vmid } = guest
  if (guest.lock !== undefined) throw failure(`${label(kind)} is locked (${guest.lock})`)
  if (guest.template) throw failure("you can't convert a template to a template")
  if (guest.status === 'running')
    throw failure(`you can't convert a ${label(kind)} to template if ${label(kind)} is running`)
  const convert = (): void => {
    renameToBase(world, guest)
    guest.template = true
    world.save()
  }
  if (kind === 'qemu') {
    return world.tasks.start({ node, type: 'qmtemplate', id: String(vmid), user: caller.who }, async () => convert())
  }
  convert()
  return null
}

/** A guest whose configuration names no agent, or that isn't up to it, answers with a refusal. */
function ping(call: Call): unknown {
  requireAgent(guestOf(call, 'qemu'))
  return { result: {} }
}

function requireAgent(guest: LabGuest): void {
  if (guest.status !== 'running') throw failure(`VM ${guest.vmid} is not running`)
  if (!/^(1|enabled=1)/.test(guest.options['agent'] ?? '0')) throw failure('No QEMU guest agent configured')
  if (guest.booting === true || guest.agentAnswers === false || guest.shortcomings?.includes('agent-dead') === true) {
    throw failure('QEMU guest agent is not running')
  }
}

/** Begins a command, whose end `exec-status` tells. Every command ends at once and well, unless the guest says otherwise. */
function exec(call: Call): unknown {
  const guest = guestOf(call, 'qemu')
  requireAgent(guest)
  const [program = ''] = (call.values['command'] ?? '').split(',')
  guest.commands = [...(guest.commands ?? []), program]
  return { pid: guest.commands.length }
}

function execStatus(call: Call): unknown {
  const guest = guestOf(call, 'qemu')
  requireAgent(guest)
  const program = guest.commands?.[Number(call.values['pid']) - 1]
  if (program === undefined) throw failure(`Agent error: Invalid parameter 'pid'`)
  return { exited: 1, exitcode: guest.exits?.[program] ?? 0, 'out-data': 'not to be read\n' }
}

function endpointsOf(kind: LabGuestKind): Endpoint[] {
  const path = `/nodes/{node}/${kind}/{vmid}`
  return [
    {
      method: 'PUT',
      path: `${path}/config`,
      relayed: true,
      parameters: { ...CHANGEABLE[kind], digest: text },
      run: (call) => change(call, kind),
    },
    {
      method: 'DELETE',
      path,
      relayed: true,
      permission: ['/vms/{vmid}', 'VM.Allocate'],
      parameters: {
        purge: boolean,
        'destroy-unreferenced-disks': boolean,
        skiplock: boolean,
        ...(kind === 'lxc' ? { force: boolean } : {}),
      },
      run: (call) => destroy(call, kind),
    },
    {
      method: 'POST',
      path: `${path}/template`,
      relayed: true,
      permission: ['/vms/{vmid}', 'VM.Allocate'],
      ...(kind === 'qemu' ? { parameters: { disk: text } } : {}),
      run: (call) => makeTemplate(call, kind),
    },
  ]
}

export const guestChangeEndpoints: Endpoint[] = [
  ...endpointsOf('qemu'),
  ...endpointsOf('lxc'),
  {
    method: 'POST',
    path: '/nodes/{node}/qemu/{vmid}/agent/ping',
    relayed: true,
    permission: ['/vms/{vmid}', 'VM.GuestAgent.Audit', 'VM.GuestAgent.Unrestricted'],
    run: ping,
  },
  {
    method: 'POST',
    path: '/nodes/{node}/qemu/{vmid}/agent/exec',
    relayed: true,
    permission: ['/vms/{vmid}', 'VM.GuestAgent.Unrestricted'],
    parameters: { command: { type: 'array', required: true }, 'input-data': text },
    run: exec,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/qemu/{vmid}/agent/exec-status',
    relayed: true,
    permission: ['/vms/{vmid}', 'VM.GuestAgent.Unrestricted'],
    parameters: { pid: { type: 'integer', required: true } },
    run: execStatus,
  },
]
