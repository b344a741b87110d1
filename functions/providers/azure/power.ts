/** Starting and stopping virtual machines. */
import { COMPUTE } from '../../azure-api/arm.ts'
import { NoAzureAnswer } from '../../azure-api/azure-line.ts'
import { PlatformTaskFailed, PlatformUnavailable, RequestRejected } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { GuestPower, GuestState, PowerAction, PowerOptions, PowerResult } from '../capabilities/power.ts'
import { machineOf } from './machines.ts'
import { type Machine, machineSchema } from './schemas.ts'
import type { SiteSession } from './site-session.ts'

const LOOK_MILLISECONDS = 5_000

/** What a guest that is off still costs depends on it: both stops deallocate, as `az vm deallocate` does. */
const orders: Readonly<Record<PowerAction, { verb: string; wanted: GuestState['status'] }>> = {
  start: { verb: 'start', wanted: 'running' },
  shutdown: { verb: 'deallocate', wanted: 'stopped' },
  stop: { verb: 'powerOff', wanted: 'stopped' },
  reboot: { verb: 'restart', wanted: 'running' },
}

export function openPower(session: SiteSession): GuestPower {
  const { arm, deps, siteName } = session

  async function look(guest: Guest): Promise<{ machine: Machine; state: GuestState }> {
    const { id } = await machineOf(session, guest)
    const where = `region ${guest.node}, guest ${guest.id}`
    const call = { path: id, version: COMPUTE, query: { $expand: 'instanceView' } }
    const machine = await session.orFact(where, 'reading its state', () => arm.read(call, machineSchema))
    return { machine, state: asState(machine) }
  }

  async function order(guest: Guest, action: PowerAction, options: PowerOptions): Promise<PowerResult> {
    const at = `region ${guest.node}, guest ${guest.id}`
    const where = `Site ${siteName}, ${at}`
    const { machine, state } = await look(guest)
    const { verb, wanted } = orders[action]
    if (action === 'reboot' && state.status === 'stopped') {
      throw new RequestRejected(`${where}: cannot reboot it, it isn't running. Start it.`)
    }
    if (action !== 'reboot' && state.status === wanted && state.detail === undefined) return { changed: false, state }
    const query = verb === 'powerOff' ? { skipShutdown: 'true' } : undefined
    const call = { method: 'POST' as const, path: `${machine.id}/${verb}`, version: COMPUTE }
    try {
      await arm.write(query === undefined ? call : { ...call, query })
    } catch (error) {
      if (!(error instanceof NoAzureAnswer)) throw arm.fact(error, at, verb)
      throw new PlatformUnavailable(
        `${where}: ${verb} got no answer. It may have been taken: look at the guest's state before repeating it.`,
        { cause: error },
      )
    }
    return { changed: true, state: await reached(guest, wanted, options.timeoutSeconds, `${where}: ${verb}`) }
  }

  async function reached(guest: Guest, wanted: GuestState['status'], timeoutSeconds: number, about: string) {
    for (let waited = 0; ; waited += LOOK_MILLISECONDS / 1000) {
      const { state } = await look(guest)
      if (state.status === wanted && state.detail === undefined) return state
      if (waited >= timeoutSeconds) {
        throw new PlatformTaskFailed(
          `${about} was taken, and after ${timeoutSeconds} s it is still ${state.detail ?? state.status}. The activity log in the Azure portal shows more.`,
        )
      }
      await deps.sleep(LOOK_MILLISECONDS)
    }
  }

  return { state: async (guest) => (await look(guest)).state, order }
}

function asState({ properties }: Machine): GuestState {
  const statuses = properties.instanceView?.statuses ?? []
  const code = statuses.map((one) => one.code).find((one) => one.startsWith('PowerState/'))
  const name = code?.slice('PowerState/'.length) ?? 'unknown'
  const passing = /^(starting|stopping|deallocating)$/.test(name)
  return {
    status: name === 'running' || passing ? 'running' : 'stopped',
    ...(passing || name === 'unknown' ? { detail: name } : {}),
    // Azure doesn't say since when.
    uptimeSeconds: 0,
    highlyAvailable: false,
    template: false,
  }
}
