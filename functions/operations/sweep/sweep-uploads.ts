import type { SweepReport, SweptUpload } from '../../contracts/sweep.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { UnfinishedArchive } from '../../contracts/unfinished.ts'
import { listPrices } from '../../domain/prices/list-prices.ts'
import { archivesPrefix, readArtifactKey, sweepReportKey } from '../../domain/books/object-keys.ts'
import { standardStorage } from '../../domain/prices/prices.ts'
import { sweepTotals } from '../../domain/sweep/sweep-totals.ts'
import { sweepReportShape } from '../books/shapes.ts'
import { readRecord, writeRecord } from '../books/stored-json.ts'
import { findUnfinished } from './find-unfinished.ts'
import type { Ports } from '../ports.ts'
import { removeStaleRecords } from './stale-records.ts'
import { sweepOneUpload } from './sweep-one-upload.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'remainingMilliseconds' | 'log'>

/** Half of what the S3 client's connections allow: each look asks for three things at once. */
const SWEPT_AT_ONCE = 8
/** Enough to finish the uploads that are under way (two looks at 10,000 parts are 20 requests) and to write the report. */
const RESERVE_MILLISECONDS = 90_000

/**
 * Find the open uploads of archives, drop those that nobody goes on with, and report all of them. Touches nothing that
 * isn't below `archives/` and shaped like ours. Oldest first: they have cost most when time runs out.
 */
export async function sweepUploads(
  input: TaskInput<'SweepUploads'>,
  ports: Needs,
): Promise<TaskOutput<'SweepUploads'>> {
  const { sweepId, startedAt, dryRun, strays = [] } = input
  const { store, keyPrefix } = ports
  const reportKey = sweepReportKey(keyPrefix, sweepId, startedAt)
  // An earlier call did the work and its answer was lost: a second sweep would find nothing and hide what was dropped.
  const earlier = await readRecord(store, reportKey, sweepReportShape)
  if (earlier !== undefined) return { ...totalsOf(earlier), bucket: store.bucket, reportKey }

  const found = await store.listUploadsBelow(archivesPrefix(keyPrefix))
  const waiting = found
    .flatMap((upload) => {
      const owner = readArtifactKey(keyPrefix, upload.key)
      return owner === undefined ? [] : [{ ...upload, owner }]
    })
    .sort((a, b) => (a.openedAt > b.openedAt ? -1 : 1))
  const foreignUploads = found.length - waiting.length
  const outOfTime = () => ports.remainingMilliseconds() < RESERVE_MILLISECONDS

  const uploads: SweptUpload[] = []
  const sweepSome = async () => {
    while (!outOfTime()) {
      const upload = waiting.pop()
      if (upload === undefined) return
      const swept = await sweepOneUpload(upload, dryRun, ports)
      if (swept !== undefined) uploads.push(swept)
    }
  }
  await Promise.all(Array.from({ length: SWEPT_AT_ONCE }, sweepSome))

  const records = await removeStaleRecords(new Set(found.map(({ key }) => key)), dryRun, outOfTime, ports)
  const unfinished = await lookForUnfinished(outOfTime, ports)
  const totals = sweepTotals(uploads, { dryRun, left: waiting.length, ...records, unfinished, strays })
  const report: SweepReport = {
    version: 1,
    sweepId,
    ...totals,
    startedAt,
    endedAt: ports.now().toISOString(),
    dryRun,
    uploads: uploads.sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1)),
    foreignUploads,
    unfinished,
    strays,
    price: standardStorage,
  }
  await writeRecord(store, reportKey, sweepReportShape, report)
  ports.log('swept', { ...totals, reportKey, foreignUploads })
  return { ...totals, bucket: store.bucket, reportKey }
}

/** Objects without a manifest cost as much as archives do, and no list of open uploads shows them. */
async function lookForUnfinished(outOfTime: () => boolean, ports: Needs): Promise<UnfinishedArchive[]> {
  const found: UnfinishedArchive[] = []
  for await (const { archive } of findUnfinished({}, { ...ports, prices: listPrices })) {
    found.push(archive)
    if (outOfTime()) break
  }
  return found
}

function totalsOf(report: SweepReport): Omit<TaskOutput<'SweepUploads'>, 'bucket' | 'reportKey'> {
  const { outcome, summary, kept, dropped, failed, droppedBytes, costDollars, left, removedRecords } = report
  return { outcome, summary, kept, dropped, failed, droppedBytes, costDollars, left, removedRecords }
}
