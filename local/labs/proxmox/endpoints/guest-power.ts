/**
 * Starting and stopping guests. Recorded: a container's start, and the refusal to shut down one that doesn't run. The
 * rest follows qemu-server 9 and pve-container 6: containers refuse at once, VMs only inside the task.
 */
import { failure } from '../api-error.ts'
import { imageOf } from '../images.ts'
import type { Call, Endpoint } from '../rest.ts'
import type { LabGuest, LabGuestKind, World } from '../world.ts'
import type { Worker } from '../tasks.ts'
import { guestOf } from './guests.ts'

type Action = 'start' | 'shutdown' | 'stop' | 'reboot'

/** Longest wait of a shutdown whose caller names none. */
const SHUTDOWN_SECONDS = 60
/** What the cluster's resource manager takes before it acts on a request. */
const HA_SECONDS = 0.3

const timeout = { type: 'integer', minimum: 0 } as const
const boolean = { type: 'boolean' } as const
const parameters: Record<Action, Record<LabGuestKind, Endpoint['parameters']>> = {
  start: { qemu: { skiplock: boolean, timeout }, lxc: { skiplock: boolean, debug: boolean } },
  shutdown: { qemu: { skiplock: boolean, keepActive: boolean, forceStop: boolean, timeout }, lxc: { forceStop: boolean, timeout } },
  stop: {
    qemu: { skiplock: boolean, keepActive: boolean, timeout, 'overrule-shutdown': boolean },
    lxc: { skiplock: boolean, 'overrule-shutdown': boolean },
  },
  reboot: { qemu: { timeout }, lxc: { timeout } },
} // biome-ignore format: one action a line

function endpointsOf(kind: LabGuestKind): Endpoint[] {
  return (['start', 'shutdown', 'stop', 'reboot'] as const).map((action) => ({
    method: 'POST',
    path: `/nodes/{node}/${kind}/{vmid}/status/${action}`,
    relayed: true,
    permission: ['/vms/{vmid}', 'VM.PowerMgmt'],
    parameters: parameters[action][kind] ?? {},
    run: (call) => power(call, kind, action),
  }))
}

function power(call: Call, kind: LabGuestKind, action: Action): string {
  const { world, node, caller, values } = call
  const guest = guestOf(call, kind)
  const complaint = complaintAbout(guest, action)
  if (complaint !== undefined && kind === 'lxc') throw failure(complaint)
  const what = { node, id: String(guest.vmid), user: caller.who }
  if (guest.haState !== undefined && action !== 'reboot') {
    const type = action === 'start' ? 'hastart' : 'hastop'
    return world.tasks.start({ ...what, type }, async (worker) => {
      worker.log(`Requesting HA ${action} for ${kind === 'lxc' ? 'CT' : 'VM'} ${guest.vmid}`)
      setTimeout(() => void become(world, guest, action === 'start' ? 'running' : 'stopped'), HA_SECONDS * 1000)
    })
  }
  const type = `${kind === 'lxc' ? 'vz' : 'qm'}${action}`
  return world.tasks.start({ ...what, type }, async (worker) => {
    const label = kind === 'lxc' ? 'CT' : 'VM'
    if (guest.lock !== undefined) throw new Error(`${label} is locked (${guest.lock})`)
    if (complaint !== undefined) throw new Error(complaint)
    if (guest.template) throw new Error(`you can't start a ${label.toLowerCase()} if it's a template`)
    if (action === 'shutdown' || action === 'reboot') await shutDown(guest, worker, values)
    await become(world, guest, action === 'start' || action === 'reboot' ? 'running' : 'stopped')
  })
}

/** Why the order makes no sense. Stopping a VM that doesn't run is no mistake; the task just ends. */
function complaintAbout({ kind, vmid, status }: LabGuest, action: Action): string | undefined {
  const label = kind === 'lxc' ? 'CT' : 'VM'
  if (action === 'start') return status === 'running' ? `${label} ${vmid} already running` : undefined
  if (status === 'running' || (kind === 'qemu' && action !== 'reboot')) return undefined
  return `${label} ${vmid} not running`
}

async function shutDown(guest: LabGuest, worker: Worker, values: Call['values']): Promise<void> {
  if (guest.ignoresShutdown !== true) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Number(values['timeout'] ?? SHUTDOWN_SECONDS) * 1000)
    worker.signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
  if (worker.signal.aborted) throw new Error('received interrupt')
  if (values['forceStop'] === '1') {
    worker.log('VM quit/powerdown failed - terminating now with SIGTERM')
    return
  }
  throw new Error(
    guest.kind === 'lxc'
      ? `command 'lxc-stop -n ${guest.vmid} --nokill --timeout ${values['timeout'] ?? SHUTDOWN_SECONDS}' failed: exit code 1`
      : 'VM quit/powerdown failed - got timeout',
  )
}

/** Stop or start a guest. A VM that boots in earnest counts as running meanwhile. */
export async function become(world: World, guest: LabGuest, status: LabGuest['status']): Promise<void> {
  await world.boots.stop(guest.vmid)
  guest.status = status
  delete guest.booting
  if (status === 'running' && guest.kind === 'qemu' && world.boots.wanted) boot(world, guest)
  world.save()
}

function boot(world: World, guest: LabGuest): void {
  const disks = guest.disks.flatMap((disk) => {
    const path = imageOf(world, guest, disk)
    return path === undefined ? [] : [{ key: disk.key, path }]
  })
  guest.booting = true
  world.boots.start(guest.vmid, disks, (cameUp) => {
    delete guest.booting
    if (!cameUp) guest.status = 'stopped'
    world.save()
  })
}

export const guestPowerEndpoints: Endpoint[] = [...endpointsOf('qemu'), ...endpointsOf('lxc')]
