/** What came of a restore, from its record and its end. Pure. */
import { madeInto } from './made-into.ts'
import type { DrillCheck } from '../../contracts/drill.ts'
import type { StateError } from '../../contracts/execution.ts'
import type { PriceTable } from '../../contracts/prices.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import type { RestoreReport } from '../../contracts/restore-report.ts'
import { readFailure } from '../backup/failure.ts'
import { archiveRestorePrice } from '../prices/restore-price.ts'
import { counted } from '../words/counted.ts'
import { sentence } from '../words/sentence.ts'
import { drillChecks } from './drill-checks.ts'
import { refusals } from './findings.ts'

export interface RestoreEnd {
  endedAt: string
  /** What it failed with; `null` when it came to its end. */
  error: StateError | null
  /** What couldn't be removed. */
  left: RestoreReport['left']
  /** Absent where the store isn't AWS, whose prices they are. */
  prices?: PriceTable | undefined
}

export function restoreReport(record: RestoreRecord, { endedAt, error, left, prices }: RestoreEnd): RestoreReport {
  const { archive, request, target, comparison, findings, warnings, started, isTemplate } = record
  const failure = error === null ? undefined : readFailure(error)
  const checks =
    request.drill !== undefined && request.confirm ? checksOf(record, failure?.message ?? null, left) : undefined
  const { outcome, summary } =
    checks === undefined ? judged(record, endedAt, failure?.message) : judgedDrill(record, endedAt, checks)
  return {
    version: 1,
    restoreId: record.restoreId,
    startedAt: record.startedAt,
    endedAt,
    outcome,
    dryRun: !request.confirm,
    summary: left.length === 0 ? summary : `${summary} Something was left on the platform: look at the report.`,
    guest: archive.guest,
    archive: archiveIn(record),
    target: { site: request.site, id: target.id, node: target.node, storages: record.storages ?? [] },
    bytes: record.bytesSent,
    seconds: secondsOf(record, endedAt),
    differences: comparison?.differences ?? [],
    expected: comparison?.expected ?? [],
    findings,
    warnings,
    ...(started === undefined ? {} : { started }),
    ...(isTemplate === undefined ? {} : { isTemplate }),
    ...(archive.disks === undefined ? {} : { bringsDisks: true as const }),
    ...(record.made === undefined ? {} : { made: record.made }),
    left,
    ...(checks === undefined ? {} : { checks }),
    ...(prices === undefined || record.storageClass === undefined
      ? {}
      : {
          price: priceOf(archive, record.storageClass, prices),
        }),
    ...(failure === undefined ? {} : { error: { name: failure.name, message: failure.message } }),
  }
}

/** Whole disks become disks of a cloud, block by block, and don't leave it. */
function priceOf({ disks, ...file }: RestoreRecord['archive'], storageClass: string, prices: PriceTable) {
  if (disks === undefined) return archiveRestorePrice({ artifacts: [file], storageClass }, 'internet', prices)
  const writtenBytes = disks.reduce((sum, { disk }) => sum + disk.writtenBytes, 0)
  return archiveRestorePrice({ artifacts: disks, storageClass, writtenBytes }, 'same-region', prices)
}

function checksOf(record: RestoreRecord, failure: string | null, left: RestoreEnd['left']): DrillCheck[] {
  const [first] = left
  const seen = first === undefined ? 'All that was made was removed again.' : first.what
  return [...drillChecks(record, failure), { name: 'removed', passed: first === undefined, seen }]
}

/** A drill whose guest is still there was passed, and somebody has to look. */
function judgedDrill(
  record: RestoreRecord,
  endedAt: string,
  checks: readonly DrillCheck[],
): Pick<RestoreReport, 'outcome' | 'summary'> {
  const what = archivedGuest(record)
  const failed = checks.find(({ name, passed }) => name !== 'removed' && !passed)
  if (failed !== undefined) return { outcome: 'failed', summary: `Drill failed: ${what}. ${failed.seen}` }
  const summary = `Drill passed: ${what} was restored as ${targetGuest(record)}, and works, in ${Math.round(secondsOf(record, endedAt).total)} s.`
  return { outcome: checks.every(({ passed }) => passed) ? 'succeeded' : 'partial', summary }
}

function archivedGuest({ archive: { guest, createdAt } }: RestoreRecord): string {
  return `${guest.kind} ${guest.id}${guest.name === '' ? '' : ` (${guest.name})`} of ${createdAt}`
}

/** All files of an archive of whole disks count as one. */
function archiveIn({ archive }: RestoreRecord): NonNullable<RestoreReport['archive']> {
  const { folder, fileName, sizeBytes, disks } = archive
  if (disks === undefined) return { folder, fileName, sizeBytes }
  return {
    folder,
    fileName: disks.map((disk) => disk.fileName).join(', '),
    sizeBytes: disks.reduce((sum, disk) => sum + disk.sizeBytes, 0),
  }
}

function targetGuest(record: RestoreRecord): string {
  const { archive, made = [], request, target } = record
  const where = `on site ${request.site}, node ${target.node}`
  if (archive.disks !== undefined) {
    const into = madeInto(record)
    const what = into === 'volume' ? counted(archive.disks.length, 'volume') : into === 'guest' ? 'a guest' : 'an image'
    return `${made.length === 0 ? what : made.map((one) => `${one.what} ${one.ref}`).join(', ')} ${where}`
  }
  return `guest ${target.id} on site ${request.site}, node ${target.node}`
}

function judged(
  record: RestoreRecord,
  endedAt: string,
  failure: string | undefined,
): Pick<RestoreReport, 'outcome' | 'summary'> {
  const { archive, request, comparison, started, isTemplate, findings, steps } = record
  const what = archivedGuest(record)
  const where = targetGuest(record)
  if (failure !== undefined) {
    const made =
      steps.createdAt === undefined
        ? ''
        : ` ${archive.disks === undefined ? 'The guest is there' : 'Something was made'}: ${where}. It was not compared with its archive.`
    return { outcome: steps.createdAt === undefined ? 'failed' : 'partial', summary: `${sentence(failure)}${made}` }
  }
  if (!request.confirm) {
    const against = refusals(findings)
    const [first] = against
    return first === undefined
      ? { outcome: 'succeeded', summary: `Dry run: ${what} can be restored as ${where}. Nothing was changed.` }
      : {
          outcome: 'failed',
          summary: `Dry run: ${what} can't be restored as ${where} (${counted(against.length, 'reason')}). ${first.message}`,
        }
  }
  const restored = `${what} was restored as ${where} in ${Math.round(secondsOf(record, endedAt).total)} s`
  if (comparison === undefined) {
    const summary = `${restored}. Its archive's configuration isn't known, so nothing tells whether it is as it was archived.`
    return { outcome: 'partial', summary }
  }
  const { length } = comparison.differences
  if (length > 0)
    return { outcome: 'partial', summary: `${restored}, with ${counted(length, 'difference')} from its archive.` }
  if (started?.running === false)
    return { outcome: 'partial', summary: `${restored}, as it was archived, and it doesn't run.` }
  if (isTemplate === false)
    return { outcome: 'partial', summary: `${restored}, as it was archived, and it isn't a template.` }
  if (isTemplate) return { outcome: 'succeeded', summary: `${restored}, as it was archived, and is a template now.` }
  return { outcome: 'succeeded', summary: `${restored}, as it was archived.` }
}

/** How long each step took that came to its end. */
function secondsOf({ startedAt, steps }: RestoreRecord, endedAt: string): RestoreReport['seconds'] {
  const between = (from: string | undefined, to: string | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000)
  const { thawBegunAt, thawedAt, deliveryBegunAt, deliveredAt, createdAt, comparedAt, probedAt } = steps
  const took = {
    thaw: between(thawBegunAt, thawedAt),
    deliver: between(deliveryBegunAt, deliveredAt),
    create: between(deliveredAt, createdAt),
    compare: between(createdAt, comparedAt),
    probe: between(comparedAt, probedAt),
  }
  return {
    ...Object.fromEntries(Object.entries(took).filter(([, seconds]) => seconds !== undefined)),
    total: between(startedAt, probedAt ?? comparedAt ?? endedAt) ?? 0,
  }
}
