import { ClusterChanged, GuestliftError } from '../../contracts/errors.ts'
import { REPEAT_WINDOW_DAYS, type StrayReport, type StraySummary, type SweptStray } from '../../contracts/sweep.ts'
import type { TaskInput, TaskOutput } from '../../contracts/tasks.ts'
import { archiveFolder, claimKey, manifestKey, strayReportKey } from '../../domain/books/object-keys.ts'
import { judgeStray } from '../../domain/sweep/judge-stray.ts'
import { counted } from '../../domain/words/counted.ts'
import type { Provider, Stray } from '../../providers/provider.ts'
import { claimShape, manifestShape, strayReportShape } from '../books/shapes.ts'
import { readSiteBook } from '../books/site-book.ts'
import { readRecord, unlessUnreadable, writeRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'provider' | 'now' | 'remainingMilliseconds' | 'log'>

/** Enough to end a removal that is under way and to write the report. */
const RESERVE_MILLISECONDS = 60_000

/**
 * Find what backups left on a site's platform, and remove what nobody works on and nobody may need. A stray that can't be
 * removed is reported and keeps no other from going.
 * @throws the errors of logging in and of listing
 */
export async function sweepStrays(input: TaskInput<'SweepStrays'>, ports: Needs): Promise<TaskOutput<'SweepStrays'>> {
  const { sweepId, startedAt, site, dryRun } = input
  const { store, keyPrefix } = ports
  const key = strayReportKey(keyPrefix, sweepId, startedAt, site)
  const earlier = await readRecord(store, key, strayReportShape)
  if (earlier !== undefined) return summaryOf(earlier)

  const provider = await ports.provider(site)
  await requireSameCluster(site, provider, ports)
  const oldest = new Date(ports.now().getTime() - REPEAT_WINDOW_DAYS * 86_400_000)
  const found = (await provider.findStrays(oldest)).toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))
  const strays: SweptStray[] = []
  let left = 0
  for (const stray of found) {
    if (ports.remainingMilliseconds() < RESERVE_MILLISECONDS) left += 1
    else strays.push(...(await sweepOne(site, stray, dryRun, provider, ports)))
  }
  const report: StrayReport = {
    version: 1,
    sweepId,
    startedAt,
    endedAt: ports.now().toISOString(),
    dryRun,
    strays,
    ...sumUp(site, strays, left, dryRun),
  }
  await writeRecord(store, key, strayReportShape, report)
  ports.log('strays-swept', { ...summaryOf(report), reportKey: key })
  return summaryOf(report)
}

/**
 * Another cluster behind the same address has other guests under the same ids.
 * @throws ClusterChanged
 */
async function requireSameCluster(site: string, provider: Provider, ports: Needs): Promise<void> {
  const { book } = await readSiteBook(site, ports)
  const now = await provider.clusterId()
  if (book.cluster === undefined || now === undefined || book.cluster.id === now) return
  throw new ClusterChanged(
    `Site ${site}: another cluster answers (${now}) than the one that the archives come from (${book.cluster.id}). ` +
      'Nothing was removed. Correct the site, or give the new cluster a site of its own.',
  )
}

/** None where it is none of the sweep's business. */
async function sweepOne(
  site: string,
  stray: Stray,
  dryRun: boolean,
  provider: Provider,
  ports: Needs,
): Promise<SweptStray[]> {
  const { what, createdAt, sizeBytes, removeWith, made } = stray
  const { guest } = made
  const swept = (outcome: SweptStray['outcome'], reason: string): SweptStray[] => {
    ports.log('stray', { site, guest: guest.id, what, outcome, reason })
    const its = { id: guest.id, kind: guest.kind }
    return [{ what, guest: its, createdAt, ...(sizeBytes === undefined ? {} : { sizeBytes }), outcome, reason }]
  }
  const verdict = await look(site, stray, provider, ports)
  if (verdict === undefined) return []
  if (!verdict.remove) return swept('kept', verdict.reason)
  if (dryRun) return swept('removed', verdict.reason)
  try {
    const progress = await provider.release(made, false)
    return progress.released ? swept('removed', verdict.reason) : swept('removing', progress.reason)
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    const advice = removeWith === undefined ? '' : ` Remove it on node ${guest.node}: ${removeWith}.`
    return swept('failed', `${error.message}${advice}`)
  }
}

async function look(
  site: string,
  { made, createdAt, sizeBytes, doubt, removeWith }: Stray,
  { traits }: Provider,
  ports: Needs,
) {
  const { store, keyPrefix, now } = ports
  const { guest, jobRef, token, sources } = made
  const folder = archiveFolder(keyPrefix, site, guest, createdAt)
  const command = removeWith === undefined ? '' : ` The command is: ${removeWith}.`
  return judgeStray(
    {
      ...(jobRef === undefined ? {} : { jobRef }),
      ...(token === undefined ? {} : { token }),
      artifactRefs: sources.map(({ artifactRef }) => artifactRef),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      makes: traits.makes,
      ...(doubt === undefined ? {} : { doubt: `${doubt}${command}` }),
      claim: await unlessUnreadable(readRecord(store, claimKey(keyPrefix, site, guest), claimShape)),
      manifest:
        traits.makes === 'copy'
          ? await unlessUnreadable(readRecord(store, manifestKey(folder), manifestShape))
          : undefined,
    },
    now(),
  )
}

function sumUp(site: string, strays: readonly SweptStray[], left: number, dryRun: boolean): StraySummary {
  const count = (outcome: SweptStray['outcome']) => strays.filter((one) => one.outcome === outcome).length
  const removed = count('removed') + count('removing')
  const failed = count('failed') + left
  const verb = dryRun ? 'would be removed' : removed === 1 ? 'was removed' : 'were removed'
  const lost = failed === 0 ? '' : ` ${counted(failed, 'stray')} stayed: ${firstReason(strays, left)}`
  return {
    site,
    outcome: failed === 0 ? 'succeeded' : removed === 0 ? 'failed' : 'partial',
    summary: `Site ${site}: ${counted(removed, 'stray')} ${verb}.${lost}`,
    removed,
    failed,
  }
}

function firstReason(strays: readonly SweptStray[], left: number): string {
  return strays.find(({ outcome }) => outcome === 'failed')?.reason ?? `${left} had no time; sweep again.`
}

function summaryOf({ site, outcome, summary, removed, failed }: StrayReport): StraySummary {
  return { site, outcome, summary, removed, failed }
}
