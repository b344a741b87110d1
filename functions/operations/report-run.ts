import type { Run } from '../contracts/nouns.ts'
import type { GuestOutcome, RunReport } from '../contracts/report.ts'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { readFailure } from '../domain/failure.ts'
import { listPrices } from '../domain/list-prices.ts'
import { outcomesPrefix, reportKey, selectionKey } from '../domain/object-keys.ts'
import { receipt } from '../domain/receipt.ts'
import { runMetrics } from '../domain/run-metrics.ts'
import { tally } from '../domain/tally.ts'
import { outcomeShape, runPlanShape, runReportShape, selectionShape } from './books/shapes.ts'
import { readRecord, unlessUnreadable, writeRecord } from './books/stored-json.ts'
import { lastSeen } from './guest-progress.ts'
import { emptyOutcome } from './outcomes.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'now' | 'log' | 'deployment'>

/** Guests whose outcome is read at the same time. */
const READ_AHEAD = 32

/**
 * Tally what lies in the run's folder, not what the workflow believes: a planned guest without an outcome died before
 * it could say why, and counts as failed.
 */
export async function reportRun(input: TaskInput<'ReportRun'>, ports: Needs): Promise<TaskOutput<'ReportRun'>> {
  const { run, site, notes } = input
  const plan = (await readRecord(ports.store, input.planKey, runPlanShape)) ?? []
  const recorded = await readOutcomes(await ports.store.listKeys(outcomesPrefix(run.prefix)), ports)
  const unheard = plan.filter((item) => !recorded.some((outcome) => outcome.id === item.guest.id))
  const silent: GuestOutcome[] = []
  for (const { guest } of unheard) {
    const seen = await lastSeen(run, guest.id, ports)
    const reason = seen === undefined ? noOutcome : `${noOutcome} ${seen}`
    silent.push(emptyOutcome(guest, 'failed', 'NoOutcome', reason, 0))
  }
  const guests = [...recorded, ...silent].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))
  const { outcome, summary, succeeded, failed, skipped } = tally(guests)
  const report: RunReport = {
    version: 1,
    runId: run.id,
    site,
    outcome,
    summary,
    notes: [...notes, ...catalogueNotes(input), ...(await selectionNotes(run, ports))],
    startedAt: run.startedAt,
    endedAt: ports.now().toISOString(),
    guests,
    receipt: receipt(guests, listPrices),
  }
  const key = reportKey(run.prefix)
  await writeRecord(ports.store, key, runReportShape, report)
  const metrics = runMetrics(ports.deployment, report)
  if (metrics !== undefined) ports.log('run-metrics', metrics)
  return { outcome, summary, bucket: ports.store.bucket, reportKey: key, succeeded, failed, skipped }
}

const noOutcome =
  'Its execution ended without recording an outcome (aborted, or failed while cleaning up). Look at it in Step Functions; ' +
  'a backup or an upload may have been left open.'

/** Index and page are copies of what the archives themselves tell. */
function catalogueNotes({ site, catalogueError }: TaskInput<'ReportRun'>): string[] {
  if (catalogueError === undefined || catalogueError === null) return []
  const { message } = readFailure(catalogueError)
  return [
    `The catalogue of site ${site} (index and page) was not brought up to date; no archive depends on it, and the next run tries again: ${message}`,
  ]
}

/** They lie with the run: state carries no list that grows with the site. */
async function selectionNotes({ prefix }: Run, { store }: Needs): Promise<string[]> {
  const found = await unlessUnreadable(readRecord(store, selectionKey(prefix), selectionShape))
  if (found === 'unreadable')
    return ['What was selected and why can not be read: selection.json of this run is broken.']
  return found?.notes ?? []
}

/** One broken outcome keeps nobody's report back; what became of that guest isn't known, and that is no success. */
function unreadableOutcome(key: string, bucket: string): GuestOutcome {
  const id = key.slice(key.lastIndexOf('/') + 1, -'.json'.length)
  const reason = `Its outcome s3://${bucket}/${key} can't be read. Look at its archives with guestlift show ${id}.`
  return emptyOutcome({ id }, 'failed', 'OutcomeUnreadable', reason, 0)
}

async function readOutcomes(keys: readonly string[], { store }: Needs): Promise<GuestOutcome[]> {
  const outcomes: GuestOutcome[] = []
  for (let start = 0; start < keys.length; start += READ_AHEAD) {
    const some = keys.slice(start, start + READ_AHEAD)
    const found = await Promise.all(some.map((key) => unlessUnreadable(readRecord(store, key, outcomeShape))))
    for (const [index, outcome] of found.entries()) {
      const key = some[index] ?? ''
      if (outcome === 'unreadable') outcomes.push(unreadableOutcome(key, store.bucket))
      else if (outcome !== undefined) outcomes.push(outcome)
    }
  }
  return outcomes
}
