/** When a fault strikes, and what was said of it: the same for whatever runs meanwhile. */
import type { HistoryEvent } from '../../../local/asl/interpreter.ts'
import type { Arming, Fault } from './fault.ts'

/** What executions said since a bed was mended. */
export interface Told {
  events: HistoryEvent[]
  /** The lines that functions printed. */
  lines: Readonly<Record<string, unknown>>[]
}

export interface Armed {
  arming: Arming
  /** Resolves once the fault has struck. @throws what its injection threw, or that its moment never came */
  injected: () => Promise<void>
}

/** @param fault `instead` strikes by itself, and may do without */
export function armed(fault: Pick<Fault, 'when' | 'name' | 'instead'>, inject: () => Promise<void> | void): Armed {
  const { when, instead, name } = fault
  let due: Promise<void> | undefined
  let parts = 0
  const strike = (): void => {
    due ??= Promise.resolve().then(inject)
    // Awaited at the end; until then a failure must not count as unhandled.
    due.catch(() => undefined)
  }
  if (when === 'at the start') strike()
  return {
    arming: {
      onState: (state) => {
        if (typeof when === 'object' && 'state' in when && state === when.state) strike()
      },
      onPart: () => {
        parts += 1
        if (typeof when === 'object' && 'part' in when && parts === when.part) strike()
      },
    },
    injected: async () => {
      if (due === undefined && instead === undefined) throw new Error(`its moment never came: ${name}`)
      await due
    },
  }
}

export function judgeEnding(
  { expected, cause: wanted }: Pick<Fault, 'expected' | 'cause'>,
  ending: { outcome: string; verdict: string; reason: string },
  cause: string,
): string[] {
  const how = `${ending.outcome} (${ending.verdict}: ${ending.reason})`
  if (expected === 'succeeded' && ending.outcome !== 'succeeded') return [`ended as ${how}`]
  if (expected !== 'succeeded' && (ending.outcome === 'succeeded' || !expected.includes(ending.verdict)))
    return [`ended as ${how}`]
  return wanted === undefined || wanted.test(cause) ? [] : [`the cause says ${cause || 'nothing'}, not ${wanted}`]
}

/** What functions told of faults that passed: the last one counts, the others were repetitions of it. */
export function causeOnTheWay(told: Told): string {
  const failed = told.events.flatMap(({ type, details }) => {
    if (type !== 'TaskFailed' && type !== 'TaskTimedOut' && type !== 'LambdaFunctionFailed') return []
    return [`${plain(details['error'])}: ${messageIn(plain(details['cause']))}`]
  })
  const dropped = told.lines.flatMap(({ event, reason }) => (event === 'connection-dropped' ? [String(reason)] : []))
  return failed.at(-1) ?? dropped.at(-1) ?? ''
}

export function plain(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function messageIn(cause: string): string {
  try {
    const parsed = JSON.parse(cause) as { errorMessage?: unknown }
    return typeof parsed.errorMessage === 'string' ? parsed.errorMessage : cause
  } catch {
    return cause
  }
}

/** What a fault's own check complains of. */
export async function complaintOf(check: () => Promise<void> | void): Promise<string[]> {
  try {
    await check()
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}
