import type { GuestIdentity } from '../../../functions/contracts/nouns.ts'
import type { RunReport } from '../../../functions/contracts/report.ts'
import { planKey, runPrefix } from '../../../functions/domain/books/object-keys.ts'
import type { NoticeChannel } from '../../../functions/contracts/notice-channel.ts'
import { type EndedRun, runNotice } from '../../../functions/domain/notices/run-notice.ts'
import { runPlanShape } from '../../../functions/operations/books/shapes.ts'
import { readRecord } from '../../../functions/operations/books/stored-json.ts'
import { lastWholeAt } from '../../../functions/operations/catalogue/last-whole.ts'
import { latestRuns } from '../../../functions/operations/run/latest-runs.ts'
import type { Ports } from '../../../functions/operations/ports.ts'
import { plain } from '../print/columns.ts'
import { printNotes } from '../print/terminal.ts'
import { sendAndWarn } from './send.ts'

/** How far back the run before is looked for. */
const DAYS_BACK = 7
/** Of more guests than these nobody reads how old their archives are. */
const MOST_LOOKED_FOR = 20

type Place = Pick<Ports, 'store' | 'keyPrefix'>

export interface RunEnd {
  report: EndedRun['report'] & Partial<Pick<RunReport, 'startedAt'>>
  runId: string
  site: string
  reportAt?: string
  log?: string
  again?: string
}

/**
 * Tell each channel how a run on this machine ended. What can't be found out beside is left out with a warning, and what
 * can't be delivered is a warning: neither changes how the run ended.
 */
export async function notifyOfRun(channels: readonly NoticeChannel[], end: RunEnd, place: Place): Promise<void> {
  const beside = await besideRun(end, place).catch((error: unknown) => {
    const why = error instanceof Error ? plain(error.message) : String(error)
    printNotes([`warning: The notice doesn't say how old the last archives are: ${why}`])
    return { lastArchives: new Map<string, string | null>(), failedBefore: new Set<string>() }
  })
  const endedAt = end.report.endedAt ?? new Date().toISOString()
  await sendAndWarn(channels, runNotice({ ...end, ...beside, deployment: 'local', endedAt }))
}

async function besideRun({ report, site, runId }: RunEnd, place: Place) {
  const missed = report.guests.filter(({ outcome }) => outcome !== 'succeeded').slice(0, MOST_LOOKED_FOR)
  const identities = await identitiesOf(report, place)
  const lastArchives = new Map<string, string | null>()
  for (const { id, kind } of missed) {
    // Of a guest that was never found nobody knows what it is.
    if (kind === undefined) continue
    lastArchives.set(id, await lastWholeAt(site, { id, kind, identity: identities.get(id) }, place))
  }
  return { lastArchives, failedBefore: await failedBefore(site, report.runId ?? runId, place) }
}

/** Who had each id when the run was planned: an id may have been another guest's. */
async function identitiesOf({ runId, startedAt }: RunEnd['report'], { store, keyPrefix }: Place) {
  if (runId === undefined || startedAt === undefined) return new Map<string, GuestIdentity | undefined>()
  const plan = await readRecord(store, planKey(runPrefix(keyPrefix, runId, startedAt)), runPlanShape)
  return new Map((plan ?? []).map(({ guest }) => [guest.id, guest.identity]))
}

async function failedBefore(site: string, runId: string, place: Place): Promise<Set<string>> {
  for await (const { report } of latestRuns(DAYS_BACK, { ...place, now: () => new Date() })) {
    if (report === undefined || report === 'unreadable' || report.site !== site || report.runId === runId) continue
    return new Set(report.guests.filter(({ outcome }) => outcome !== 'succeeded').map(({ id }) => id))
  }
  return new Set()
}
