import * as z from 'zod'
import type { Run } from '../contracts/nouns.ts'
import { type GuestOutcome, guestOutcomeSchema, type RunReport } from '../contracts/report.ts'
import { selectionRecordSchema } from '../contracts/selection.ts'
import { planItemSchema, type TaskInput, type TaskOutput } from '../contracts/tasks.ts'
import { readFailure } from '../domain/failure.ts'
import { listPrices } from '../domain/list-prices.ts'
import { outcomesPrefix, reportKey, selectionKey } from '../domain/object-keys.ts'
import { receipt } from '../domain/receipt.ts'
import { runMetrics } from '../domain/run-metrics.ts'
import { tally } from '../domain/tally.ts'
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
  const plan = z.array(planItemSchema).parse(JSON.parse((await ports.store.readText(input.planKey))?.text ?? '[]'))
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
  await ports.store.writeText(key, `${JSON.stringify(report, null, 2)}\n`, { contentType: 'application/json' })
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
  const found = await store.readText(selectionKey(prefix))
  return found === undefined ? [] : selectionRecordSchema.parse(JSON.parse(found.text)).notes
}

async function readOutcomes(keys: readonly string[], { store }: Needs): Promise<GuestOutcome[]> {
  const outcomes: GuestOutcome[] = []
  for (let start = 0; start < keys.length; start += READ_AHEAD) {
    const texts = await Promise.all(keys.slice(start, start + READ_AHEAD).map((key) => store.readText(key)))
    for (const found of texts) {
      if (found !== undefined) outcomes.push(guestOutcomeSchema.parse(JSON.parse(found.text)))
    }
  }
  return outcomes
}
