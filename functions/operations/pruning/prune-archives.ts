import { InternalFault } from '../../contracts/errors.ts'
import { type PrunedGuest, type PruningPlan, type PruningReport } from '../../contracts/pruning.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { type KeyedGuest, pruningPrefix, reportKey } from '../../domain/books/object-keys.ts'
import { countGuest, noCounts, pruningTotals, toldGuest } from '../../domain/retention/pruning-totals.ts'
import { pruningPlanShape, pruningReportShape } from '../books/shapes.ts'
import { readRecord, writeRecord } from '../books/stored-json.ts'
import { pruneSite, type SiteEnd } from './prune-site.ts'
import type { RetentionPorts } from './retention-ports.ts'

type Result = SiteEnd['result']

/** A guest with thousands of archives to look at, and the report. Within one guest, pruning minds the time itself. */
const RESERVE_MILLISECONDS = 120_000
/** Guests that have nothing to tell are looked at again after a death: so many at most. */
const GUESTS_UNREPORTED = 50

/**
 * Prune the guests of a site one after the other, as far as the time goes. The report is the ledger: called again, after
 * an answer that was lost as well, it goes on behind the last guest in it.
 */
export async function pruneArchives(
  input: TaskInput<'PruneArchives'>,
  ports: RetentionPorts,
): Promise<TaskOutput<'PruneArchives'>> {
  const plan = await readPlan(input.planKey, ports)
  const key = reportKey(pruningPrefix(ports.keyPrefix, input.pruningId, input.startedAt))
  const ledger = await openLedger(key, plan, input, ports)
  const answer = (report: PruningReport): TaskOutput<'PruneArchives'> => {
    const { outcome, summary, done } = report
    return { outcome, summary, ...countsOf(report), done, bucket: ports.store.bucket, reportKey: key }
  }
  if (ledger.report.done) return answer(ledger.report)

  const { site, retention: policy, guests: guestIds, known, confirmed, dryRun } = plan
  const { behind } = ledger.report
  const order = {
    site,
    policy,
    by: `pruning ${input.pruningId}`,
    confirmed,
    dryRun,
    known,
    ...(guestIds === undefined ? {} : { guestIds }),
    ...(behind === undefined ? {} : { behind }),
  }
  let isFirst = true
  for await (const { guest, result } of pruneSite(order, ports)) {
    const outOfTime = ports.remainingMilliseconds() < RESERVE_MILLISECONDS
    // One that had a whole call and lost nothing would have the next in vain too, and those behind it never their turn.
    const inVain = isFirst && 'archives' in result && result.removed === 0
    await ledger.add(guest, result, outOfTime && wasCutShort(result) && !inVain)
    isFirst = false
    if (outOfTime) return answer(await ledger.write(false))
  }
  return answer(await ledger.write(true))
}

/** Something of the guest may still have to go. */
function wasCutShort(result: Result): boolean {
  return 'archives' in result && result.archives.some(({ outcome }) => outcome === 'left')
}

async function readPlan(key: string, { store }: RetentionPorts): Promise<PruningPlan> {
  const plan = await readRecord(store, key, pruningPlanShape)
  if (plan === undefined)
    throw new InternalFault(`The plan s3://${store.bucket}/${key} is gone. Start the pruning anew.`)
  return plan
}

/** The report as it grows. */
async function openLedger(
  key: string,
  { site, retention, dryRun }: PruningPlan,
  { pruningId, startedAt }: TaskInput<'PruneArchives'>,
  { store, now }: RetentionPorts,
) {
  const held = await readRecord(store, key, pruningReportShape)
  const told: PrunedGuest[] = [...(held?.told ?? [])]
  let counts = held === undefined ? noCounts : countsOf(held)
  let behind: KeyedGuest | undefined = held?.behind
  let unreported = 0
  const reportNow = (done: boolean): PruningReport => {
    // A guest that couldn't be looked at has its trouble as its summary.
    const unseen = told.filter(({ summary, attention }) => attention[0] === summary).length
    return {
      version: 1,
      pruningId,
      site,
      startedAt,
      endedAt: now().toISOString(),
      dryRun,
      retention,
      ...pruningTotals(counts, { dryRun, told, unseen }),
      told,
      ...(behind === undefined ? {} : { behind: { kind: behind.kind, id: behind.id } }),
      done,
    }
  }
  const write = async (done: boolean): Promise<PruningReport> => {
    const report = reportNow(done)
    await writeRecord(store, key, pruningReportShape, report)
    unreported = 0
    return report
  }
  return {
    report: held ?? reportNow(false),
    write,
    /** @param again the guest comes again: only what was removed counts now */
    async add(guest: KeyedGuest, result: Result, again: boolean): Promise<void> {
      const news = toldGuest(guest, result)
      if (again && news !== undefined) {
        const { removed, removedBytes } = news
        counts = { ...counts, removed: counts.removed + removed, removedBytes: counts.removedBytes + removedBytes }
        told.push({ ...news, attention: [] })
        return
      }
      counts = countGuest(counts, result)
      if (news !== undefined) told.push(news)
      behind = guest
      unreported += 1
      if ((news?.removed ?? 0) > 0 || unreported >= GUESTS_UNREPORTED) await write(false)
    },
  }
}

function countsOf(report: PruningReport): typeof noCounts {
  const { guests, troubled, toRemove, removed, removedBytes, locked, locksNotAsked } = report
  return {
    guests,
    troubled,
    toRemove,
    removed,
    removedBytes,
    locked,
    ...(locksNotAsked === undefined ? {} : { locksNotAsked }),
  }
}
