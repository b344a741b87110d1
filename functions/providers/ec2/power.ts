/** Starting and stopping instances. */
import * as z from 'zod'
import { NoAnswer } from '../../aws-api/aws-call.ts'
import { PlatformTaskFailed, PlatformUnavailable, RequestRejected } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { GuestPower, GuestState, PowerAction, PowerOptions, PowerResult } from '../capabilities/power.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import type { Call, Ec2Client } from './client.ts'
import { autoScalingGroupOf } from './instances.ts'
import type { Instance } from './schemas.ts'

const LOOK_MILLISECONDS = 5_000

/** `stop` is pulling the plug: AWS says so by force. */
const orders: Readonly<
  Record<PowerAction, { action: string; input: Record<string, boolean>; wanted: GuestState['status'] }>
> = {
  start: { action: 'StartInstances', input: {}, wanted: 'running' },
  shutdown: { action: 'StopInstances', input: {}, wanted: 'stopped' },
  stop: { action: 'StopInstances', input: { Force: true }, wanted: 'stopped' },
  reboot: { action: 'RebootInstances', input: {}, wanted: 'running' },
}

interface Found {
  instance: Instance
  region: string
}

/** @param find the instance of a guest as it is now */
export function openPower(
  siteName: string,
  client: Ec2Client,
  find: (guest: Guest) => Promise<Found>,
  { now, sleep }: Pick<ProviderDeps, 'now' | 'sleep'>,
): GuestPower {
  const stateOf = async (guest: Guest): Promise<GuestState> => asState((await find(guest)).instance, now())

  async function order(guest: Guest, action: PowerAction, options: PowerOptions): Promise<PowerResult> {
    const { instance, region } = await find(guest)
    const where = `Site ${siteName}, zone ${guest.node}, guest ${guest.id}`
    const before = asState(instance, now())
    const { wanted, input, action: name } = orders[action]
    if (action === 'reboot' && before.status === 'stopped') {
      throw new RequestRejected(`${where}: cannot reboot it, it isn't running. Start it.`)
    }
    if (action !== 'reboot' && before.status === wanted && before.detail === undefined) {
      return { changed: false, state: before }
    }
    const group = autoScalingGroupOf(instance)
    if (group !== undefined && wanted === 'stopped') {
      throw new RequestRejected(
        `${where}: Auto Scaling group ${group} replaces it when it stops. Put it on standby there, then stop it.`,
      )
    }
    const call = { region, action: name, input: { InstanceId: [guest.id], ...input } }
    await ask(call, where)
    return { changed: true, state: await reached(guest, wanted, options.timeoutSeconds, `${where}: ${action}`) }
  }

  async function ask(call: Call, where: string): Promise<void> {
    try {
      await client.write(call, z.unknown())
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw client.fact(error, call)
      throw new PlatformUnavailable(
        `${where}: ${call.action} got no answer. It may have been taken: look at the guest's state before repeating it.`,
        { cause: error },
      )
    }
  }

  async function reached(
    guest: Guest,
    wanted: GuestState['status'],
    timeoutSeconds: number,
    about: string,
  ): Promise<GuestState> {
    for (let waited = 0; ; waited += LOOK_MILLISECONDS / 1000) {
      const state = await stateOf(guest)
      if (state.status === wanted && state.detail === undefined) return state
      if (waited >= timeoutSeconds) {
        throw new PlatformTaskFailed(
          `${about} was taken, and after ${timeoutSeconds} s it is still ${state.detail ?? state.status}. ` +
            'An operating system that does not react to a shutdown is stopped by force.',
        )
      }
      await sleep(LOOK_MILLISECONDS)
    }
  }

  return { state: stateOf, order }
}

function asState(instance: Instance, now: Date): GuestState {
  const { name } = instance.instanceState
  const running = name === 'running' || name === 'pending' || name === 'stopping'
  const since = Date.parse(instance.launchTime)
  return {
    status: running ? 'running' : 'stopped',
    ...(name === 'pending' || name === 'stopping' ? { detail: name } : {}),
    uptimeSeconds: running && !Number.isNaN(since) ? Math.max(0, Math.floor((now.getTime() - since) / 1000)) : 0,
    highlyAvailable: autoScalingGroupOf(instance) !== undefined,
    template: false,
  }
}
