import { GuestliftError } from '../../contracts/errors.ts'
import type { DrillCheck } from '../../contracts/drill.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { drillChecks } from '../../domain/restore/drill-checks.ts'
import type { Restores } from '../../providers/capabilities/restores.ts'
import type { Provider } from '../../providers/provider.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { openRestorer } from './intended-restore.ts'
import { startGuest, type StartedGuest } from './start-guest.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 'provider' | 'now' | 'sleep' | 'remainingMilliseconds' | 'localProcess' | 'log'
>

/** A guest without an agent shows nothing but that it goes on running. */
const SETTLE_MILLISECONDS = 30_000
const COMMAND_SECONDS = 60
/** What writing down the result takes. */
const SPARE_MILLISECONDS = 30_000

/**
 * Unplug the guest of a drill, see that it is unplugged, start it, and look whether it works: its agent answers, and the
 * commands that were asked for end well. Without an agent: it still runs after a while. What doesn't work is a check that
 * failed, and no error.
 * @throws PlatformTaskFailed when it can't be unplugged: then it isn't started
 */
export async function probeGuest(input: TaskInput<'ProbeGuest'>, ports: Needs): Promise<TaskOutput<'ProbeGuest'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  const { provider, restores } = await openRestorer(record, ports)
  const { guest } = await restores.describeMade({ ...record.target, kind: record.archive.guest.kind })
  await restores.disconnect(guest)
  const agentSeconds = record.request.drill?.probes.bootSeconds ?? 0
  const { started, warnings } = await startGuest(guest, { provider, restores, agentSeconds }, ports)
  const commands = guest.kind === 'vm' ? (record.request.drill?.probes.commands ?? []) : []
  const probes: DrillCheck[] = [
    { name: 'unplugged', passed: true, seen: 'No network interface of the guest is plugged in.' },
    startCheck(started, warnings),
    ...agentCheck(started, agentSeconds),
  ]
  if (started.running && started.agent === undefined) probes.push(await stillRuns(guest, provider.power, ports))
  if (started.agent === true) for (const name of commands) probes.push(await commandCheck(guest, name, restores, ports))
  else if (commands.length > 0) probes.push(unasked(commands))
  const probedAt = ports.now().toISOString()
  const probed = await changeRestore(
    restore,
    (held): RestoreRecord => ({
      ...held,
      started,
      probes,
      warnings: [...held.warnings, ...warnings],
      steps: { ...held.steps, probedAt },
    }),
    ports,
  )
  const passed = drillChecks(probed, null).every((check) => check.passed)
  ports.log('guest-probed', { site: record.request.site, guest: record.target.id, passed })
  return { passed }
}

type Started = StartedGuest['started']

function startCheck({ running }: Started, warnings: readonly string[]): DrillCheck {
  const seen = running
    ? 'The guest was started, and runs.'
    : (warnings[0] ?? 'The guest was started, and does not run.')
  return { name: 'started', passed: running, seen }
}

function agentCheck({ running, agent }: Started, seconds: number): DrillCheck[] {
  if (!running || agent === undefined) return []
  const seen = agent ? 'Its agent answers.' : `Its agent didn't answer within ${seconds} seconds.`
  return [{ name: 'agent', passed: agent, seen }]
}

async function stillRuns(guest: Guest, power: Provider['power'], { sleep }: Needs): Promise<DrillCheck> {
  await sleep(SETTLE_MILLISECONDS)
  const passed = (await power?.state(guest))?.status === 'running'
  const seen = passed
    ? `It still runs after ${SETTLE_MILLISECONDS / 1000} seconds. It has no agent, so nothing inside it was seen.`
    : `It stopped within ${SETTLE_MILLISECONDS / 1000} seconds. Look at its console.`
  return { name: 'still-running', passed, seen }
}

async function commandCheck(
  guest: Guest,
  name: string,
  restores: Pick<Restores, 'runCommand'>,
  { remainingMilliseconds }: Needs,
): Promise<DrillCheck> {
  const check = (passed: boolean, seen: string): DrillCheck => ({ name: 'command', passed, seen })
  // A function that is killed in the middle would leave no result of those before it.
  if (remainingMilliseconds() < COMMAND_SECONDS * 1000 + SPARE_MILLISECONDS) {
    return check(false, `Command ${name} was not run: no time was left for it. Ask for fewer, or for a shorter boot.`)
  }
  try {
    const code = await restores.runCommand(guest, name, COMMAND_SECONDS)
    if (code === undefined)
      return check(false, `Command ${name} didn't end within ${COMMAND_SECONDS} seconds, or was killed.`)
    return check(code === 0, `Command ${name} ended with ${code}.`)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return check(false, `Command ${name} could not be run: ${error.message}`)
  }
}

function unasked(commands: readonly string[]): DrillCheck {
  const seen = `Nothing was run in the guest, since no agent answers: ${commands.join(', ')}.`
  return { name: 'command', passed: false, seen }
}
