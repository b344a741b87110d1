import { GuestliftError } from '../../contracts/errors.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { MadeGuest, Restores } from '../../providers/capabilities/restores.ts'
import type { Provider } from '../../providers/provider.ts'
import { keepLease } from '../books/restore-leases.ts'
import { changeRestore, readRestore } from '../books/restore-records.ts'
import type { Ports } from '../ports.ts'
import { placeOf } from './delivery-target.ts'
import { intendedRestore, openRestorer, restoredHow } from './intended-restore.ts'

type Needs = Pick<
  Ports,
  'store' | 'keyPrefix' | 'provider' | 'now' | 'sleep' | 'remainingMilliseconds' | 'localProcess' | 'log'
>

const START_SECONDS = 120
/** A guest that boots takes its time until its agent answers. */
const AGENT_SECONDS = 180
const AGENT_LOOK_MILLISECONDS = 5_000
/** What writing down the result takes. */
const SPARE_MILLISECONDS = 30_000

/**
 * Hold the guest that was made against the configuration in the archive, key by key; then start it, where that was asked
 * for. A guest that doesn't start is restored all the same: the report says so.
 */
export async function compareGuest(
  input: TaskInput<'CompareGuest'>,
  ports: Needs,
): Promise<TaskOutput<'CompareGuest'>> {
  const { restore } = input
  const record = await readRestore(restore, ports)
  await keepLease(input, record, ports)
  const { provider, restores } = await openRestorer(record, ports)
  const made = await restores.describeMade({ ...record.target, kind: record.archive.guest.kind })
  const { archive } = await intendedRestore(record, placeOf(record).storage, ports)
  const comparison =
    archive.configuration === undefined ? undefined : restores.compare(archive.configuration, made, restoredHow(record))
  const { started, warnings } = record.request.start
    ? await startIt(made, provider, restores, ports)
    : { started: undefined, warnings: [] }
  const comparedAt = ports.now().toISOString()
  await changeRestore(
    restore,
    (held): RestoreRecord => ({
      ...held,
      ...(comparison === undefined ? {} : { comparison }),
      ...(started === undefined ? {} : { started }),
      storages: made.storages,
      warnings: [...held.warnings, ...warnings],
      steps: { ...held.steps, comparedAt },
    }),
    ports,
  )
  const differences = comparison?.differences.length ?? 0
  ports.log('guest-compared', { site: record.request.site, guest: record.target.id, differences })
  return { differences }
}

async function startIt(
  { guest }: MadeGuest,
  { power }: Provider,
  restores: Restores,
  ports: Needs,
): Promise<{ started: NonNullable<RestoreRecord['started']>; warnings: string[] }> {
  if (power === undefined) {
    return { started: { running: false }, warnings: ["Guestlift can't start guests on this platform: start it there."] }
  }
  try {
    const { state } = await power.order(guest, 'start', { timeoutSeconds: START_SECONDS })
    const agent = await waitForAgent(() => restores.agentAnswers(guest), ports)
    const running = state.status === 'running'
    if (agent !== false) return { started: { running, ...(agent === undefined ? {} : { agent }) }, warnings: [] }
    const silent = `The guest runs, and its agent didn't answer within ${AGENT_SECONDS} seconds. Look at its console.`
    return { started: { running, agent }, warnings: [silent] }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return { started: { running: false }, warnings: [`The guest was restored and didn't start: ${error.message}`] }
  }
}

async function waitForAgent(
  answers: () => Promise<boolean | undefined>,
  { now, sleep, remainingMilliseconds }: Needs,
): Promise<boolean | undefined> {
  const until = now().getTime() + AGENT_SECONDS * 1000
  for (;;) {
    const answer = await answers()
    const isLast = now().getTime() >= until || remainingMilliseconds() < AGENT_LOOK_MILLISECONDS + SPARE_MILLISECONDS
    if (answer !== false || isLast) return answer
    await sleep(AGENT_LOOK_MILLISECONDS)
  }
}
