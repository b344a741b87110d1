import * as z from 'zod'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { type Verification, verificationSchema } from '../contracts/verification.ts'
import type { VerificationRunner } from '../contracts/verification-policy.ts'
import {
  type ReadArchive,
  type UnreadRecord,
  unreadRecordSchema,
  type VerificationItem,
  verificationItemSchema,
  type VerificationReport,
} from '../contracts/verification-report.ts'
import { formatBytes } from '../domain/byte-size.ts'
import { manifestKey, reportKey, unreadKey, verificationKey } from '../domain/object-keys.ts'
import { verificationMetrics } from '../domain/verification-metrics.ts'
import { tallyVerifications } from '../domain/verification-tally.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now' | 'log' | 'deployment'>

/** Verdicts that are read at the same time. */
const READ_AHEAD = 32

/**
 * Tally what lies beside the manifests, not what the workflow believes: an archive of the plan without a verdict from
 * after the run's start is not verified, whoever died over it.
 */
export async function reportVerification(
  { run, planKey, runner }: TaskInput<'ReportVerification'>,
  ports: Needs,
): Promise<TaskOutput<'ReportVerification'>> {
  const { store, now, log, deployment } = ports
  const plan = z.array(verificationItemSchema).parse(await readJson(planKey, ports))
  const { sites, ...left } = unreadRecordSchema.parse(await readJson(unreadKey(run.prefix), ports))
  const archives: ReadArchive[] = []
  const gone: UnreadRecord['unread'] = []
  for (let start = 0; start < plan.length; start += READ_AHEAD) {
    const some = plan.slice(start, start + READ_AHEAD)
    const results = await Promise.all(some.map((item) => resultOf(item, run.startedAt, runner, ports)))
    for (const [index, result] of results.entries()) {
      const item = some[index]
      if (result !== undefined) archives.push(result)
      else if (item !== undefined) gone.push(removedMeanwhile(item))
    }
  }
  const unread = [...left.unread, ...gone]
  const totals = tallyVerifications(archives, { ...left, unread })
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
  await store.writeText(key, `${JSON.stringify(report, undefined, 2)}\n`, { contentType: 'application/json' })
  for (const site of sites) log('verification-metrics', verificationMetrics(deployment, report, site))
  return { ...totals, bucket: store.bucket, reportKey: key }
}

/** `undefined`: the archive was removed since it was planned. */
async function resultOf(
  item: VerificationItem,
  startedAt: string,
  runner: VerificationRunner,
  ports: Needs,
): Promise<ReadArchive | undefined> {
  const { mostBytesInFunction, reason: due, ...archive } = item
  const found = await verificationOf(item.folder, ports)
  const fresh = found !== undefined && found.verifiedAt >= startedAt ? found : undefined
  if (fresh !== undefined && fresh.result !== 'not-verified') {
    const reason = fresh.findings.map(({ message }) => message).join(' ')
    return { ...archive, due, result: fresh.result, reason, verifiedAt: fresh.verifiedAt }
  }
  if ((await ports.store.head(manifestKey(item.folder))) === undefined) return undefined
  const attempt = found?.attempt !== undefined && found.attempt.at >= startedAt ? found.attempt.reason : undefined
  const told = fresh?.findings[0]?.message ?? attempt
  const why = [told, whyNot(item, mostBytesInFunction, runner, told !== undefined)].filter((one) => one !== undefined)
  const reason = `not verified: ${why.join(' ')} Read it on any machine: ${commandFor(item.folder, ports)}`
  return { ...archive, due, result: 'not-verified', reason }
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
    ? 'The larger runner left no verdict: its build in CodeBuild tells why.'
    : 'Its function ended without a verdict: its execution in Step Functions tells why.'
}

function commandFor(folder: string, { store, keyPrefix }: Needs): string {
  const prefix = keyPrefix === '' ? '' : ` --prefix ${keyPrefix}`
  return `npx guestlift verify --archive ${folder} --bucket ${store.bucket}${prefix}`
}

function removedMeanwhile({ folder, site }: VerificationItem): UnreadRecord['unread'][number] {
  return { folder, site, why: 'removed', reason: 'It was removed since it was planned.', overdue: false }
}

async function verificationOf(folder: string, ports: Needs): Promise<Verification | undefined> {
  try {
    return verificationSchema.safeParse(await readJson(verificationKey(folder), ports)).data
  } catch {
    // Not JSON: nobody can tell what it says.
    return undefined
  }
}

async function readJson(key: string, { store }: Needs): Promise<unknown> {
  const found = await store.readText(key)
  return found === undefined ? undefined : JSON.parse(found.text)
}
