import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  ListMapRunsCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn'
import type { SeenEvent } from './run-events.ts'

/** DescribeExecution refills at 15 a second in an account: a follower must not be what throttles it. */
const POLL_MILLISECONDS = 4_000
/** Guests whose own history is followed at the same time; of more, only their number is known. */
const FOLLOWED_CHILDREN = 8
/** Theirs, and a leg of each. */
const FOLLOWED_EXECUTIONS = 2 * FOLLOWED_CHILDREN

/** How far the history of one execution has been read. */
interface Followed {
  lastEventId: number
  ended: boolean
  /** Begun and not ended. */
  openMapRuns: ReadonlySet<string>
}

export interface FollowDeps {
  client: SFNClient
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
  onEvent(event: SeenEvent): void
}

/**
 * Follow an execution of Export run and its guests' executions until it ends, or until `signal` fires (the execution
 * goes on then). Passing throttling is the client's to bear.
 */
export async function followExecution(
  executionArn: string,
  deps: FollowDeps,
  signal: AbortSignal,
): Promise<DescribeExecutionCommandOutput> {
  const { client } = deps
  const onEvent = (event: SeenEvent) => deps.onEvent(event)
  const followed = new Map<string, Followed>()
  for (;;) {
    const described = await client.send(new DescribeExecutionCommand({ executionArn }))
    // Read after the status, so that the last events of an ended execution are never missed.
    await readNewEvents(executionArn, followed, client, onEvent)
    for (const child of await runningChildren(executionArn, followed, client)) {
      await readNewEvents(child, followed, client, onEvent)
    }
    if (described.status !== 'RUNNING' && described.status !== 'PENDING_REDRIVE') return described
    await deps.sleep(POLL_MILLISECONDS, signal)
  }
}

/** Children that run, and those that were followed and have ended since: their last events tell the outcome. */
async function runningChildren(
  executionArn: string,
  followed: ReadonlyMap<string, Followed>,
  client: SFNClient,
): Promise<string[]> {
  const { mapRuns = [] } = await client.send(new ListMapRunsCommand({ executionArn }))
  const children = new Set(
    [...followed].filter(([arn, { ended }]) => arn !== executionArn && !ended).map(([arn]) => arn),
  )
  // A guest's own legs are children of its execution; its history names their Map Runs, so nothing is asked for them.
  const legs = [...followed].filter(([arn]) => arn !== executionArn).flatMap(([, { openMapRuns }]) => [...openMapRuns])
  for (const mapRunArn of [...mapRuns.map(({ mapRunArn }) => mapRunArn), ...legs]) {
    const page = await client.send(
      new ListExecutionsCommand({ mapRunArn, statusFilter: 'RUNNING', maxResults: FOLLOWED_CHILDREN }),
    )
    for (const child of page.executions ?? []) {
      if (child.executionArn !== undefined && children.size < FOLLOWED_EXECUTIONS) children.add(child.executionArn)
    }
  }
  return [...children]
}

/** Newest first until what is known, then told in order: a long history is not read again at each look. */
async function readNewEvents(
  executionArn: string,
  followed: Map<string, Followed>,
  client: SFNClient,
  onEvent: (event: SeenEvent) => void,
): Promise<void> {
  const known = followed.get(executionArn) ?? { lastEventId: 0, ended: false, openMapRuns: new Set<string>() }
  const fresh: HistoryEvent[] = []
  let nextToken: string | undefined
  do {
    const page: { events?: HistoryEvent[] | undefined; nextToken?: string | undefined } = await client.send(
      new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 200, nextToken }),
    )
    const events = (page.events ?? []).filter((event) => (event.id ?? 0) > known.lastEventId)
    fresh.push(...events)
    nextToken = events.length < (page.events ?? []).length ? undefined : page.nextToken
  } while (nextToken !== undefined)
  let openMapRuns = known.openMapRuns
  for (const event of fresh.reverse()) {
    onEvent(flatten(executionArn, event))
    // One leg follows the other: whatever ends is the one that was open.
    if (/^MapRun(Succeeded|Failed|Aborted)$/.test(event.type ?? '')) openMapRuns = new Set()
    const begun = event.mapRunStartedEventDetails?.mapRunArn
    if (begun !== undefined) openMapRuns = new Set([begun])
  }
  followed.set(executionArn, {
    lastEventId: fresh.at(-1)?.id ?? known.lastEventId,
    ended: known.ended || fresh.some(({ type }) => /^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(type ?? '')),
    openMapRuns,
  })
}

/** AWS keeps each kind's details under a name of its own, with JSON as text. */
function flatten(execution: string, event: HistoryEvent): SeenEvent {
  const details: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(event)) {
    if (key.endsWith('Details') && typeof value === 'object' && value !== null) Object.assign(details, value)
  }
  for (const key of ['input', 'output']) details[key] = parsed(details[key])
  return {
    execution,
    id: event.id ?? 0,
    previousEventId: event.previousEventId ?? 0,
    type: event.type ?? '',
    details,
  }
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
