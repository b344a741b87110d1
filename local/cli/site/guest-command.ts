import { offered } from '../../../functions/providers/capabilities/offered.ts'
import type { GuestState, PowerAction } from '../../../functions/providers/capabilities/power.ts'
import { exitCodes } from '../exit-codes.ts'
import { findGuest, onSite, type SiteOptions, tell, tellDryRun } from './on-site.ts'
import type { StopSignals } from '../stop-signals.ts'
import { formatSeconds } from '../print/units.ts'

export interface PowerCommandOptions extends SiteOptions {
  timeoutSeconds: number
  forceStop?: boolean
  confirm?: boolean
}

/** How a guest is at this moment, and what to do about a lock that keeps it from being backed up. */
export function guestStatus(text: string, options: SiteOptions, stop: StopSignals): Promise<number> {
  return onSite(options, stop, async (provider, site) => {
    const guest = await findGuest(provider, text, site)
    const { id } = guest
    const state = await offered(provider, 'power').state(guest)
    const { nodeOffline: _nodeOffline, lock: _lock, ...known } = guest
    // The list that found the guest may be some seconds old.
    const advice = provider.locks?.refusal({
      ...known,
      ...(state.lock === undefined ? {} : { lock: state.lock }),
    })?.message
    tell(options, { guest: known, state, ...(advice === undefined ? {} : { advice }) }, [
      `${id} ${guest.name} (${guest.kind} on ${guest.node}): ${describe(state)}`,
      ...(advice === undefined ? [] : [advice]),
    ])
    return exitCodes.succeeded
  })
}

/** Change a guest's state and wait until it is so. What takes a service down asks for `--confirm`. */
export function powerGuest(
  text: string,
  action: PowerAction,
  options: PowerCommandOptions,
  stop: StopSignals,
): Promise<number> {
  return onSite(options, stop, async (provider, site) => {
    const guest = await findGuest(provider, text, site)
    const { id } = guest
    const { nodeOffline: _nodeOffline, lock: _lock, ...known } = guest
    const who = `${id} ${guest.name} (${guest.kind} on ${guest.node})`
    if (action !== 'start' && options.confirm !== true) {
      const state = await offered(provider, 'power').state(guest)
      tell(options, { dryRun: true, guest: known, action, changed: false, state }, [`${who} is ${describe(state)}`])
      tellDryRun(`It ${wouldHappen(state, action, options)}.`)
      return exitCodes.succeeded
    }
    const { timeoutSeconds, forceStop = false } = options
    const result = await offered(provider, 'power').order(guest, action, { timeoutSeconds, forceStop })
    tell(options, { dryRun: false, guest: known, action, ...result }, [
      result.changed ? `${who}: ${describe(result.state)}` : `${who}: nothing to do, it is ${describe(result.state)}`,
    ])
    return exitCodes.succeeded
  })
}

function wouldHappen({ status }: GuestState, action: PowerAction, options: PowerCommandOptions): string {
  if (status === 'stopped') return action === 'reboot' ? "couldn't be rebooted: it isn't running" : 'would stay stopped'
  if (action === 'stop') return 'would be stopped at once, like pulling the plug'
  if (action === 'reboot') return 'would be shut down and started again'
  const after = `after ${formatSeconds(options.timeoutSeconds)}`
  return options.forceStop === true
    ? `would be asked to shut down, and stopped ${after}`
    : `would be asked to shut down, and left running if it hasn't ${after}`
}

function describe(state: GuestState): string {
  return [
    state.status,
    state.detail ?? '',
    state.status === 'running' ? `for ${formatSeconds(state.uptimeSeconds)}` : '',
    state.lock === undefined ? '' : `locked (${state.lock})`,
    state.highlyAvailable ? 'highly available' : '',
    state.template ? 'template' : '',
  ]
    .filter((part) => part !== '')
    .join(', ')
}
