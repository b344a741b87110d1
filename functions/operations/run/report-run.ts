import { byId } from '../../domain/identity/compare-ids.ts'
import type { Run } from '../../contracts/nouns.ts'
import type { GuestOutcome, RunReport } from '../../contracts/report.ts'
import type { PlanItem } from '../../contracts/plan-item.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { readFailure } from '../../domain/backup/failure.ts'
import { listPrices } from '../../domain/prices/list-prices.ts'
import { reportKey, selectionKey } from '../../domain/books/object-keys.ts'
import { receipt } from '../../domain/prices/receipt.ts'
import { runMetrics } from '../../domain/metrics/run-metrics.ts'
import { tally } from '../../domain/backup/tally.ts'
import { runPlanShape, runReportShape, selectionShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable, writeRecord } from '../books/stored-json.ts'
import { lastSeen } from '../books/guest-progress.ts'
import { inOrder } from '../books/ordered-lookahead.ts'
import { allOutcomes, emptyOutcome, OUTCOMES_AT_ONCE } from '../books/outcomes.ts'
import type { Ports } from '../ports.ts'
import { counted } from '../../domain/words/counted.ts'
import { writeRunPage } from './run-page-file.ts'
import { sentences } from '../../domain/words/sentence.ts'

type Needs = Pick<Ports, 'store' | 'now' | 'log' | 'deployment' | 'toolVersion'>

/**
 * Tally what lies in the run's folder, not what the workflow believes: a planned guest without an outcome died before
 * it could say why, and counts as failed.
 */
export async function reportRun(input: TaskInput<'ReportRun'>, ports: Needs): Promise<TaskOutput<'ReportRun'>> {
  const { run, site, notes } = input
  const plan = (await readRecord(ports.store, input.planKey, runPlanShape)) ?? []
  const guests: GuestOutcome[] = []
  for await (const { key, outcome } of allOutcomes(run.prefix, ports)) {
    guests.push(outcome === 'unreadable' ? unreadableOutcome(key, ports.store.bucket) : outcome)
  }
  const heard = new Set(guests.map(({ id }) => id))
  const unheard = plan.filter(({ guest }) => !heard.has(guest.id))
  const silent = inOrder(unheard, OUTCOMES_AT_ONCE, (item) => silentOutcome(item, input, ports))
  for await (const outcome of silent) guests.push(outcome)
  guests.sort(byId)
  const { summary, succeeded, failed, skipped, ...counted } = tally(guests)
  const outcome = counted.outcome === 'succeeded' && lacksConfiguration(input) ? 'partial' : counted.outcome
  const report: RunReport = {
    version: 1,
    runId: run.id,
    site,
    outcome,
    summary,
    notes: [
      ...notes,
      ...mapNotes(input),
      ...configurationNotes(input),
      ...catalogueNotes(input),
      ...(await selectionNotes(run, ports)),
    ],
    startedAt: run.startedAt,
    endedAt: ports.now().toISOString(),
    guests,
    ...(input.siteConfiguration ? { siteConfiguration: input.siteConfiguration } : {}),
    receipt: receipt(guests, listPrices, plan[0]?.storageClass),
  }
  const key = reportKey(run.prefix)
  await writeRecord(ports.store, key, runReportShape, report)
  await writeRunPage(run.prefix, report, ports)
  const metrics = runMetrics(ports.deployment, report)
  if (metrics !== undefined) ports.log('run-metrics', metrics)
  return { outcome, summary, bucket: ports.store.bucket, reportKey: key, succeeded, failed, skipped }
}

/** Of a planned guest that left no outcome. Where the run's map over its guests failed, that is the cause, and it is told. */
async function silentOutcome(
  { guest }: PlanItem,
  { run, mapError }: TaskInput<'ReportRun'>,
  ports: Needs,
): Promise<GuestOutcome> {
  const seen = await lastSeen(run, guest.id, ports)
  const why = mapError === undefined || mapError === null ? noOutcome : mapFailed(mapError, seen)
  return emptyOutcome(guest, 'failed', 'NoOutcome', seen === undefined ? why : sentences([why, seen]), 0)
}

function mapFailed(mapError: NonNullable<TaskInput<'ReportRun'>['mapError']>, seen: string | undefined): string {
  const { name, message } = readFailure(mapError)
  const what = seen === undefined ? 'It was not begun' : 'Its execution ended without recording an outcome'
  return `${what}: the run's map over its guests failed (${name}): ${message}`
}

/** Shown once for the run, whatever its guests left. */
function mapNotes({ mapError }: TaskInput<'ReportRun'>): string[] {
  if (mapError === undefined || mapError === null) return []
  const { name, message } = readFailure(mapError)
  return [
    `The run's map over its guests failed (${name}); guests that were archived before are not affected: ${message}`,
  ]
}

const noOutcome =
  'Its execution ended without recording an outcome (aborted, or failed while cleaning up). Look at it in Step Functions; ' +
  'a backup or an upload may have been left open.'

function lacksConfiguration({ configurationError }: TaskInput<'ReportRun'>): boolean {
  return configurationError !== undefined && configurationError !== null
}

function configurationNotes({ site, siteConfiguration, configurationError }: TaskInput<'ReportRun'>): string[] {
  if (configurationError !== undefined && configurationError !== null) {
    const { name, message } = readFailure(configurationError)
    return [`How site ${site} is set up was not kept (${name}), although the job asks for it: ${message}`]
  }
  if (siteConfiguration === undefined || siteConfiguration === null) return []
  const { changeCount, incomplete } = siteConfiguration
  const changed =
    changeCount === 0
      ? []
      : [`How site ${site} is set up has changed in ${counted(changeCount, 'place')} since it was kept last.`]
  const gaps =
    incomplete.length === 0
      ? []
      : [
          `Of how site ${site} is set up, ${counted(incomplete.length, 'part')} may be incomplete. The first: ${incomplete[0] ?? ''}`,
        ]
  return [...changed, ...gaps]
}

/** Index and page are copies of what the archives themselves tell. */
function catalogueNotes({ site, catalogueError }: TaskInput<'ReportRun'>): string[] {
  if (catalogueError === undefined || catalogueError === null) return []
  const { message } = readFailure(catalogueError)
  return [
    `The catalogue of site ${site} (index and page) was not brought up to date. No archive depends on it, and the next run tries again: ${message}`,
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
