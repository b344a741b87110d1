/** A guest's state at this moment, and changing it: start, shutdown, stop, reboot, each proved by the state that follows. */
import { GuestLocked, PlatformTaskFailed, PlatformUnavailable, RequestRejected } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { LeftLock } from '../capabilities/locks.ts'
import type { GuestPower, GuestState, PowerAction, PowerOptions, PowerResult } from '../capabilities/power.ts'
import { apiPath } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { type About, AlreadySo, errorFromText, where } from './errors.ts'
import { parseUpid } from './identifiers.ts'
import { unlock } from './locks.ts'
import { guestStatusSchema } from './schemas.ts'
import type { TaskReader } from './tasks.ts'

/** A task needs some time of its own beside what the guest takes. */
const TASK_SECONDS = 60
/** Between two looks at a guest. */
const LOOK_MS = 1000

export interface PowerAndLock {
  power: GuestPower
  awaitFreed: (guest: Guest, timeoutSeconds: number) => Promise<LeftLock | undefined>
}

const doings: Record<PowerAction, string> = {
  start: 'start the guest',
  shutdown: 'shut the guest down',
  stop: 'stop the guest',
  reboot: 'reboot the guest',
}

export function openGuestPower(
  client: ApiClient,
  tasks: TaskReader,
  sleep: (milliseconds: number) => Promise<void>,
): PowerAndLock {
  const pathOf = ({ kind, node, id }: Guest) =>
    kind === 'vm' ? apiPath`/nodes/${node}/qemu/${id}/status` : apiPath`/nodes/${node}/lxc/${id}/status`

  async function stateOf(guest: Guest): Promise<GuestState> {
    const about = client.about("read the guest's state", { node: guest.node, guest: guest.id })
    const { data } = await client.get(`${pathOf(guest)}/current`, guestStatusSchema, about)
    const { status, lock, qmpstatus, uptime, template, ha } = data
    return {
      status,
      ...(qmpstatus === undefined || qmpstatus === status ? {} : { detail: qmpstatus }),
      uptimeSeconds: uptime,
      ...(lock === undefined ? {} : { lock }),
      highlyAvailable: ha?.managed ?? false,
      template,
    }
  }

  async function order(guest: Guest, action: PowerAction, options: PowerOptions): Promise<PowerResult> {
    const about = client.about(doings[action], { node: guest.node, guest: guest.id })
    const wanted = action === 'start' || action === 'reboot' ? 'running' : 'stopped'
    const before = await stateOf(guest)
    if (before.template) throw new RequestRejected(`${where(about)}: cannot ${about.doing}, it is a template.`)
    if (action === 'reboot' && before.status === 'stopped') {
      throw new RequestRejected(`${where(about)}: cannot ${about.doing}, it isn't running. Start it.`)
    }
    if (action !== 'reboot' && before.status === wanted) return { changed: false, state: before }
    const jobRef = await ask(guest, action, options, about)
    if (jobRef === 'already') return { changed: false, state: await stateOf(guest) }
    return { changed: true, state: await reached(guest, wanted, options.timeoutSeconds, about), jobRef }
  }

  /** Ask once and wait for the task; its reference, or `already` when somebody else was faster. */
  async function ask(guest: Guest, action: PowerAction, options: PowerOptions, about: About): Promise<string> {
    try {
      const written = await client.write('POST', `${pathOf(guest)}/${action}`, about, formOf(action, options))
      if (!written.answered) {
        throw new PlatformUnavailable(
          `${written.error.message} The order may have been taken: look at the guest's state before repeating it.`,
          { cause: written.error },
        )
      }
      if (typeof written.data !== 'string' || parseUpid(written.data) === undefined) {
        throw new PlatformUnavailable(`${where(about)}: the answer to the order to ${about.doing} names no task.`)
      }
      const { exitStatus = 'no exit status' } = await tasks.waitForEnd(
        written.data,
        options.timeoutSeconds + TASK_SECONDS,
      )
      if (exitStatus === 'OK' || exitStatus.startsWith('WARNINGS: ')) return written.data
      throw errorFromText(exitStatus, about) ?? taskFailed(action, exitStatus, options, about)
    } catch (error) {
      if (error instanceof AlreadySo && action !== 'reboot') return 'already'
      throw error
    }
  }

  /** High availability takes the order, ends the task, and carries it out afterwards: only the state itself is proof. */
  async function reached(
    guest: Guest,
    wanted: GuestState['status'],
    timeoutSeconds: number,
    about: About,
  ): Promise<GuestState> {
    for (let waited = 0; ; waited += 1) {
      const state = await stateOf(guest)
      if (state.status === wanted) return state
      if (waited >= timeoutSeconds) {
        const hint = state.highlyAvailable
          ? ' High availability decides about this guest: see "ha-manager status".'
          : " The task's log says what happened."
        throw new PlatformTaskFailed(
          `${where(about)}: the platform took the order to ${about.doing}, and after ${timeoutSeconds} s it is still ${state.status}.${hint}`,
        )
      }
      await sleep(LOOK_MS)
    }
  }

  async function awaitFreed(guest: Guest, timeoutSeconds: number): Promise<LeftLock | undefined> {
    for (let waited = 0; ; waited += 1) {
      const { lock } = await stateOf(guest)
      // Locks of other names belong to other work: a migration, a snapshot somebody takes.
      if (lock !== 'backup') return undefined
      if (waited >= timeoutSeconds) {
        return {
          lock,
          advice: `Guest ${guest.id} stays locked (${lock}). If no backup of it runs any more, ${unlock(guest)}.`,
        }
      }
      await sleep(LOOK_MS)
    }
  }

  return { power: { state: stateOf, order }, awaitFreed }
}

/** `stop` and `start` wait long enough by themselves; a container's start has no such parameter. */
function formOf(action: PowerAction, { timeoutSeconds, forceStop }: PowerOptions): Record<string, string> {
  if (action === 'start' || action === 'stop') return {}
  const timeout = { timeout: String(timeoutSeconds) }
  return action === 'shutdown' && forceStop === true ? { ...timeout, forceStop: '1' } : timeout
}

function taskFailed(
  action: PowerAction,
  exitStatus: string,
  { timeoutSeconds }: PowerOptions,
  about: About,
): PlatformTaskFailed | GuestLocked {
  const text = `${where(about)}: cannot ${about.doing}: ${exitStatus.trim()}.`
  // Another task holds the guest's configuration for a moment, without a lock that is shown.
  if (/can't lock file/.test(exitStatus)) return new GuestLocked(`${text} Another task works on it: try again.`)
  const deaf = (action === 'shutdown' || action === 'reboot') && /got timeout|timed? ?out|exit code/.test(exitStatus)
  return new PlatformTaskFailed(
    deaf
      ? `${text} The guest didn't shut down within ${timeoutSeconds} s: it needs ACPI or the guest agent. Give it longer, or pull the plug.`
      : text,
  )
}
