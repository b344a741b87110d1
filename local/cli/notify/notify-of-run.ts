import type { GuestOutcome, RunReport } from '../../../functions/contracts/report.ts'
import type { NoticeChannel } from '../../../functions/contracts/notice-channel.ts'
import { type EndedRun, runNotice } from '../../../functions/domain/notices/run-notice.ts'
import { lastStored } from '../../../functions/operations/catalogue/last-stored.ts'
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
  if (channels.length === 0) return
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
  const lastArchives = new Map<string, string | null>()
  for (const guest of missed) {
    const found = await lastOf(guest, site, place)
    if (found !== undefined) lastArchives.set(guest.id, found)
  }
  return { lastArchives, failedBefore: await failedBefore(site, report.runId ?? runId, place) }
}

/** Of a guest that was never found nobody knows what it is. */
async function lastOf({ id, kind }: GuestOutcome, site: string, place: Place): Promise<string | null | undefined> {
  if (kind === undefined) return undefined
  return (await lastStored(site, { id, kind }, place))?.createdAt ?? null
}

async function failedBefore(site: string, runId: string, place: Place): Promise<Set<string>> {
  for await (const { report } of latestRuns(DAYS_BACK, { ...place, now: () => new Date() })) {
    if (report === undefined || report === 'unreadable' || report.site !== site || report.runId === runId) continue
    return new Set(report.guests.filter(({ outcome }) => outcome !== 'succeeded').map(({ id }) => id))
  }
  return new Set()
}
