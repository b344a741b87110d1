import { GuestliftError } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { Restores } from '../../providers/capabilities/restores.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'now' | 'sleep' | 'remainingMilliseconds'>

interface Starting {
  provider: Pick<Provider, 'power'>
  restores: Pick<Restores, 'agentAnswers'>
  /** How long its agent may take to answer. */
  agentSeconds: number
}

export interface StartedGuest {
  started: NonNullable<RestoreRecord['started']>
  /** Sentences. */
  warnings: string[]
}

const START_SECONDS = 120
const AGENT_LOOK_MILLISECONDS = 5_000
/** What writing down the result takes. */
const SPARE_MILLISECONDS = 30_000

/** Start a guest that was made, and wait for its agent where its configuration has one. What keeps it from running is a warning. */
export async function startGuest(
  guest: Guest,
  { provider: { power }, restores, agentSeconds }: Starting,
  ports: Needs,
): Promise<StartedGuest> {
  if (power === undefined) {
    return { started: { running: false }, warnings: ["Guestlift can't start guests on this platform: start it there."] }
  }
  try {
    await power.order(guest, 'start', { timeoutSeconds: START_SECONDS })
    const agent = await waitForAgent(() => restores.agentAnswers(guest), agentSeconds, ports)
    // It may have stopped while its agent was waited for.
    const running = (await power.state(guest)).status === 'running'
    const started = { running, ...(agent === undefined ? {} : { agent }) }
    if (!running) return { started, warnings: ['The guest was started, and stopped again. Look at its console.'] }
    if (agent !== false) return { started, warnings: [] }
    const silent = `The guest runs, and its agent didn't answer within ${agentSeconds} seconds. Look at its console.`
    return { started, warnings: [silent] }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    return { started: { running: false }, warnings: [`The guest was restored and didn't start: ${error.message}`] }
  }
}

async function waitForAgent(
  answers: () => Promise<boolean | undefined>,
  agentSeconds: number,
  { now, sleep, remainingMilliseconds }: Needs,
): Promise<boolean | undefined> {
  const until = now().getTime() + agentSeconds * 1000
  for (;;) {
    const answer = await answers()
    const isLast = now().getTime() >= until || remainingMilliseconds() < AGENT_LOOK_MILLISECONDS + SPARE_MILLISECONDS
    if (answer !== false || isLast) return answer
    await sleep(AGENT_LOOK_MILLISECONDS)
  }
}
