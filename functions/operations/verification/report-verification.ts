import { InternalFault } from '../../contracts/errors.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import type { Verification } from '../../contracts/verification.ts'
import type { VerificationRunner } from '../../contracts/verification-policy.ts'
import type {
  ReadArchive,
  UnreadRecord,
  VerificationItem,
  VerificationReport,
} from '../../contracts/verification-report.ts'
import { formatBytes } from '../../domain/words/byte-size.ts'
import { readFailure } from '../../domain/backup/failure.ts'
import { manifestKey, reportKey, unreadKey, verificationKey } from '../../domain/books/object-keys.ts'
import { verificationMetrics } from '../../domain/verification/verification-metrics.ts'
import { tallyVerifications } from '../../domain/verification/verification-tally.ts'
import { unreadShape, verificationPlanShape, verificationReportShape, verificationShape } from '../books/shapes.ts'
import { readRecord, unlessUnreadable, writeRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'
import { sentences } from '../../domain/words/sentence.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log' | 'deployment'>

/** Verdicts that are read at the same time. */
const READ_AHEAD = 32

/**
 * Tally what lies beside the manifests, not what the workflow believes: an archive of the plan without a verdict from
 * after the run's start is not verified, no matter what died over it.
 */
export async function reportVerification(
  input: TaskInput<'ReportVerification'>,
  ports: Needs,
): Promise<TaskOutput<'ReportVerification'>> {
  const { run, planKey } = input
  const { store, now, log, deployment } = ports
  const plan = required(await readRecord(store, planKey, verificationPlanShape), planKey, ports)
  const leftKey = unreadKey(run.prefix)
  const { sites, ...left } = required(await readRecord(store, leftKey, unreadShape), leftKey, ports)
  const archives: ReadArchive[] = []
  const gone: UnreadRecord['unread'] = []
  for (let start = 0; start < plan.length; start += READ_AHEAD) {
    const some = plan.slice(start, start + READ_AHEAD)
    const results = await Promise.all(some.map((item) => resultOf(item, input, ports)))
    for (const [index, result] of results.entries()) {
      const item = some[index]
      if (result !== undefined) archives.push(result)
      else if (item !== undefined) gone.push(removedMeanwhile(item))
    }
  }
  const unread = [...left.unread, ...gone]
  const { mapError } = input
  const mapTrouble = mapError === undefined || mapError === null ? undefined : mapFailed(mapError, '')
  const totals = tallyVerifications(archives, { ...left, unread }, mapTrouble)
  const report: VerificationReport = {
    version: 1,
    verificationId: run.id,
    ...totals,
    startedAt: run.startedAt,
    endedAt: now().toISOString(),
    ...left,
    unread,
    archives,
  }
  const key = reportKey(run.prefix)
  await writeRecord(store, key, verificationReportShape, report)
  for (const site of sites) log('verification-metrics', verificationMetrics(deployment, report, site))
  return { ...totals, bucket: store.bucket, reportKey: key }
}

/** `undefined`: the archive was removed since it was planned. */
async function resultOf(
  item: VerificationItem,
  { run: { startedAt }, runner, mapError }: TaskInput<'ReportVerification'>,
  ports: Needs,
): Promise<ReadArchive | undefined> {
  const { mostBytesInFunction, reason: due, ...archive } = item
  const found = await verificationOf(item.folder, ports)
  const fresh = found !== undefined && found.verifiedAt >= startedAt ? found : undefined
  if (fresh !== undefined && fresh.result !== 'not-verified') {
    const reason = sentences(fresh.findings.map(({ message }) => message))
    const { result, verifiedAt, lockTrouble } = fresh
    return { ...archive, due, result, reason, verifiedAt, ...(lockTrouble === undefined ? {} : { lockTrouble }) }
  }
  if ((await ports.store.head(manifestKey(item.folder))) === undefined) return undefined
  const attempt = found?.attempt !== undefined && found.attempt.at >= startedAt ? found.attempt.reason : undefined
  const told = fresh?.findings[0]?.message ?? attempt
  const silence =
    told === undefined && mapError !== undefined && mapError !== null
      ? mapFailed(mapError, ' before it left a verdict')
      : undefined
  const why = [told, silence ?? whyNot(item, mostBytesInFunction, runner, told !== undefined)].filter(
    (one) => one !== undefined,
  )
  const reason = `not verified: ${why.join(' ')} Read it on any machine: ${commandFor(item.folder, ports)}`
  return { ...archive, due, result: 'not-verified', reason }
}

function mapFailed(mapError: NonNullable<TaskInput<'ReportVerification'>['mapError']>, when: string): string {
  const { name, message } = readFailure(mapError)
  return `The verification's map over its archives failed (${name})${when}: ${message}`
}

/** What the archive itself can't tell: who should have read it and didn't. */
function whyNot(
  { sizeBytes }: VerificationItem,
  mostBytesInFunction: number,
  runner: VerificationRunner,
  told: boolean,
): string | undefined {
  if (sizeBytes > mostBytesInFunction && runner === 'none') {
    return `Its ${formatBytes(sizeBytes)} don't fit the time of a function, and this deployment has no larger runner.`
  }
  if (told) return undefined
  return sizeBytes > mostBytesInFunction
    ? 'The larger runner left no verdict: its build in CodeBuild shows why.'
    : 'Its function ended without a verdict: its execution in Step Functions shows why.'
}

function commandFor(folder: string, { store, keyPrefix }: Needs): string {
  const prefix = keyPrefix === '' ? '' : ` --prefix ${keyPrefix}`
  return `npx guestlift verify --archive ${folder} --bucket ${store.bucket}${prefix}`
}

function removedMeanwhile({ folder, site }: VerificationItem): UnreadRecord['unread'][number] {
  return { folder, site, why: 'removed', reason: 'It was removed since it was planned.', overdue: false }
}

function required<Value>(record: Value | undefined, key: string, { store }: Needs): Value {
  if (record !== undefined) return record
  throw new InternalFault(`s3://${store.bucket}/${key} is gone. Start the verification anew.`)
}

/** Of one that can't be read nobody can tell what it says: the archive counts as not verified. */
async function verificationOf(folder: string, { store }: Needs): Promise<Verification | undefined> {
  const found = await unlessUnreadable(readRecord(store, verificationKey(folder), verificationShape))
  return found === 'unreadable' ? undefined : found
}
