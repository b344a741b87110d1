/** Starting and stopping virtual machines. */
import { GuestNotFound, PlatformTaskFailed, RequestRejected } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { GuestPower, GuestState, PowerAction, PowerOptions, PowerResult } from '../capabilities/power.ts'
import { VimFault } from '../../vsphere-api/vim-fault.ts'
import { type Ref, textOf } from '../../vsphere-api/xml.ts'
import { readMachine } from './guests.ts'
import type { Machine } from './machine.ts'
import type { SiteSession } from './site-session.ts'
import { begun, isUnderWay, taskOf } from './tasks.ts'

const LOOK_MILLISECONDS = 2_000

/** `stop` is pulling the plug. `shutdown` and `reboot` ask the guest's system, by VMware Tools. */
const orders: Readonly<Record<PowerAction, { method: string; isTask: boolean; wanted: GuestState['status'] }>> = {
  start: { method: 'PowerOnVM_Task', isTask: true, wanted: 'running' },
  shutdown: { method: 'ShutdownGuest', isTask: false, wanted: 'stopped' },
  stop: { method: 'PowerOffVM_Task', isTask: true, wanted: 'stopped' },
  reboot: { method: 'RebootGuest', isTask: false, wanted: 'running' },
}

export function openPower(session: SiteSession): GuestPower {
  const { vim, siteName, deps } = session
  const whereOf = ({ node, id }: Guest) => `host ${node}, guest ${id}`

  async function find(guest: Guest): Promise<{ machine: Machine; state: GuestState }> {
    const read = await session.orFact(whereOf(guest), 'reading its state', () =>
      readMachine(vim, guest.id, ['summary.quickStats.uptimeSeconds']),
    )
    if (read === undefined) {
      throw new GuestNotFound(`Site ${siteName}, ${whereOf(guest)}: no virtual machine has this instance UUID.`)
    }
    const uptime = Number(textOf(read.properties.get('summary.quickStats.uptimeSeconds')))
    return { machine: read.machine, state: asState(read.machine, Number.isSafeInteger(uptime) ? uptime : 0) }
  }

  async function order(guest: Guest, action: PowerAction, options: PowerOptions): Promise<PowerResult> {
    const { machine, state: before } = await find(guest)
    const where = `Site ${siteName}, ${whereOf(guest)}`
    const { wanted } = orders[action]
    if (before.template) throw new RequestRejected(`${where}: it is a template, which can't be started or stopped.`)
    if (action === 'reboot' && before.status === 'stopped') {
      throw new RequestRejected(`${where}: cannot reboot it, it isn't running. Start it.`)
    }
    if (action !== 'reboot' && before.status === wanted && before.detail === undefined) {
      return { changed: false, state: before }
    }
    const jobRef = await ask(guest, machine, action, options.timeoutSeconds)
    const state = await reached(guest, wanted, options, `${where}: ${action}`)
    return { changed: true, state, ...(jobRef === undefined ? {} : { jobRef }) }
  }

  /** @returns the task, of an order that is one, when it has ended */
  async function ask(guest: Guest, machine: Machine, action: PowerAction, timeoutSeconds: number) {
    const where = whereOf(guest)
    const { method, isTask } = orders[action]
    const answer = await session
      .orFact(where, method, () => vim.write({ method, on: machine.ref }))
      .catch((error: unknown) => {
        throw isWithoutTools(error) ? withoutTools(`Site ${siteName}, ${where}`, error) : error
      })
    return isTask ? ended(begun(answer), `Site ${siteName}, ${where}: ${method}`, timeoutSeconds) : undefined
  }

  async function ended(ref: Ref, about: string, timeoutSeconds: number): Promise<string> {
    for (let waited = 0; ; waited += LOOK_MILLISECONDS / 1000) {
      const task = await session.orFact('', 'looking at its task', () => taskOf(vim, ref))
      if (task?.fault !== undefined) throw new PlatformTaskFailed(`${about} failed (${task.fault.said}).`)
      if (task === undefined || !isUnderWay(task)) return ref.id
      if (waited >= timeoutSeconds) {
        throw new PlatformTaskFailed(
          `${about} was taken, and has not ended after ${timeoutSeconds} s. The guest may wait for the answer to a question: look at it in the vSphere client.`,
        )
      }
      await deps.sleep(LOOK_MILLISECONDS)
    }
  }

  async function reached(
    guest: Guest,
    wanted: GuestState['status'],
    options: PowerOptions,
    about: string,
  ): Promise<GuestState> {
    let forced = false
    for (let waited = 0; ; waited += LOOK_MILLISECONDS / 1000) {
      const { machine, state } = await find(guest)
      if (state.status === wanted && state.detail === undefined) return state
      if (waited >= options.timeoutSeconds) {
        if (options.forceStop !== true || forced || wanted !== 'stopped') {
          throw new PlatformTaskFailed(
            `${about} was taken, and after ${options.timeoutSeconds} s it is still ${state.detail ?? state.status}.`,
          )
        }
        forced = true
        await ask(guest, machine, 'stop', options.timeoutSeconds)
      }
      await deps.sleep(LOOK_MILLISECONDS)
    }
  }

  return { state: async (guest) => (await find(guest)).state, order }
}

function isWithoutTools(error: unknown): error is RequestRejected {
  return error instanceof RequestRejected && error.cause instanceof VimFault && error.cause.type === 'ToolsUnavailable'
}

function withoutTools(where: string, cause: RequestRejected): RequestRejected {
  return new RequestRejected(
    `${where}: VMware Tools don't run in it, so its system can't be asked. \`stop\` pulls the plug.`,
    { cause },
  )
}

function asState({ powerState, template }: Machine, uptimeSeconds: number): GuestState {
  const running = powerState === 'poweredOn'
  return {
    status: running ? 'running' : 'stopped',
    ...(powerState === 'suspended' ? { detail: 'suspended' } : {}),
    uptimeSeconds: running ? uptimeSeconds : 0,
    highlyAvailable: false,
    template,
  }
}
