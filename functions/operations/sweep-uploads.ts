import { REPEAT_WINDOW_DAYS, type SweepReport, sweepReportSchema, type SweptUpload } from '../contracts/sweep.ts'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import {
  archivesPrefix,
  readArtifactKey,
  recordedKey,
  sweepReportKey,
  uploadRecordsPrefix,
} from '../domain/object-keys.ts'
import { standardStorage } from '../domain/prices.ts'
import { sweepTotals } from '../domain/sweep-totals.ts'
import type { Ports } from './ports.ts'
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
  const { sweepId, startedAt, dryRun } = input
  const { store, keyPrefix } = ports
  const reportKey = sweepReportKey(keyPrefix, sweepId, startedAt)
  // An earlier call did the work and its answer was lost: a second sweep would find nothing and hide what was dropped.
  const earlier = await readReport(reportKey, ports)
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
  const totals = sweepTotals(uploads, { dryRun, left: waiting.length, ...records })
  const report: SweepReport = {
    version: 1,
    sweepId,
    ...totals,
    startedAt,
    endedAt: ports.now().toISOString(),
    dryRun,
    uploads: uploads.sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1)),
    foreignUploads,
    price: standardStorage,
  }
  await store.writeText(reportKey, `${JSON.stringify(report, undefined, 2)}\n`)
  ports.log('swept', { ...totals, reportKey, foreignUploads })
  return { ...totals, bucket: store.bucket, reportKey }
}

/**
 * Forget uploads that are gone (expired, or aborted by hand) once no run can ask for them any more. What goes wrong is
 * told and stops nothing: the uploads that were dropped have to be reported.
 */
async function removeStaleRecords(
  open: ReadonlySet<string>,
  dryRun: boolean,
  outOfTime: () => boolean,
  { store, keyPrefix, now, log }: Needs,
): Promise<{ removedRecords: number; recordTrouble?: string }> {
  let removedRecords = 0
  try {
    const oldest = new Date(now().getTime() - REPEAT_WINDOW_DAYS * 24 * 3_600_000).toISOString()
    for (const { key, writtenAt } of await store.listDatedKeys(uploadRecordsPrefix(keyPrefix))) {
      if (outOfTime()) break
      // Ages are S3's own: it dates a record when an upload is opened and again just before it is completed.
      if (writtenAt > oldest || open.has(recordedKey(keyPrefix, key))) continue
      if (!dryRun) await store.remove(key)
      removedRecords += 1
      log('upload-record-removed', { key, writtenAt, dryRun })
    }
  } catch (error) {
    return { removedRecords, recordTrouble: error instanceof Error ? error.message : String(error) }
  }
  return { removedRecords }
}

async function readReport(key: string, { store }: Needs): Promise<SweepReport | undefined> {
  const stored = await store.readText(key)
  return stored === undefined ? undefined : sweepReportSchema.parse(JSON.parse(stored.text))
}

function totalsOf(report: SweepReport): Omit<TaskOutput<'SweepUploads'>, 'bucket' | 'reportKey'> {
  const { outcome, summary, kept, dropped, failed, droppedBytes, costDollars, left, removedRecords } = report
  return { outcome, summary, kept, dropped, failed, droppedBytes, costDollars, left, removedRecords }
}
