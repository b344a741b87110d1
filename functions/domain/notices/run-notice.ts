import { MOST_NOTICE_GUESTS, type Notice, type NoticeGuest } from '../../contracts/notice.ts'
import type { GuestOutcome, RunReport } from '../../contracts/report.ts'
import { counted } from '../words/counted.ts'
import { subjectOf } from './notice-text.ts'

/** A run's end as a notice is made of it: its report, and what is known beside. */
export interface EndedRun {
  report: Pick<RunReport, 'outcome' | 'summary' | 'notes' | 'guests'> &
    Partial<Pick<RunReport, 'runId' | 'site' | 'endedAt'>>
  deployment: string
  /** Names the run where its report doesn't. */
  runId: string
  site: string
  endedAt: string
  /** When each guest's newest whole archive was made; `null` for none. Guests that nobody looked for are absent. */
  lastArchives: ReadonlyMap<string, string | null>
  /** Guests that the site's run before this one did not archive; empty where nobody looked. */
  failedBefore: ReadonlySet<string>
  reportAt?: string
  log?: string
  /** What archives the guests that were missed. */
  again?: string
}

/** What a run's end says to people: who was not archived and why, or that all were, or that those who failed came back. */
export function runNotice(run: EndedRun): Notice {
  const { report, deployment, site, endedAt, reportAt, log, again } = run
  const missed = report.guests.filter(({ outcome }) => outcome !== 'succeeded')
  const back = report.guests.filter(({ id, outcome }) => outcome === 'succeeded' && run.failedBefore.has(id))
  const told = report.outcome === 'succeeded' ? back : missed
  return {
    version: 1,
    id: `run/${deployment}/${site}/${report.runId ?? run.runId}`,
    ...kindOf(report, back),
    at: endedAt,
    deployment,
    workflow: 'export run',
    site,
    subject: subjectOf(`Guestlift ${deployment}, site ${site}: ${headline(report, missed, back)}`),
    summary: report.summary,
    guests: told.slice(0, MOST_NOTICE_GUESTS).map((guest) => guestOf(guest, run.lastArchives)),
    guestCount: told.length,
    notes: report.notes,
    ...(reportAt === undefined ? {} : { report: reportAt }),
    ...(log === undefined ? {} : { log }),
    ...(report.outcome === 'succeeded' || again === undefined ? {} : { command: again }),
    ...(report.outcome === 'succeeded' ? {} : { link: linkOf(report.outcome) }),
  }
}

function kindOf(
  { outcome, notes, guests }: EndedRun['report'],
  back: readonly GuestOutcome[],
): Pick<Notice, 'event' | 'severity'> {
  if (outcome === 'failed') return { event: 'failed', severity: 'critical' }
  if (outcome === 'partial') return { event: 'failed', severity: 'error' }
  if (back.length > 0) return { event: 'recovered', severity: 'info' }
  const doubtful = notes.length > 0 || guests.some(({ reason }) => reason !== '')
  return { event: 'archived', severity: doubtful ? 'warning' : 'info' }
}

function headline(
  { outcome, guests }: EndedRun['report'],
  missed: readonly GuestOutcome[],
  back: readonly GuestOutcome[],
): string {
  if (outcome === 'succeeded' && back.length > 0) return `${namesOf(back)} archived again`
  if (outcome === 'succeeded') return `${counted(guests.length, 'guest')} archived`
  if (missed.length === 0)
    return outcome === 'failed' ? 'nothing was archived' : 'archived, and not all that was asked for'
  return `${namesOf(missed)} not archived${outcome === 'failed' ? ', nor any other guest' : ''}`
}

/** Those who are woken want to know who it is: names, as far as a subject has room. */
function namesOf(guests: readonly GuestOutcome[]): string {
  const [first, second, ...others] = guests.map(({ id, name }) => (name === '' ? id : `${name} (${id})`))
  if (second === undefined) return first ?? ''
  return others.length === 0 ? `${first} and ${second}` : `${first}, ${second} and ${others.length} more`
}

function guestOf({ id, name, outcome, verdict, reason }: GuestOutcome, last: EndedRun['lastArchives']): NoticeGuest {
  const lastArchiveAt = last.get(id)
  return { id, name, outcome, cause: verdict, reason, ...(lastArchiveAt === undefined ? {} : { lastArchiveAt }) }
}

function linkOf(outcome: RunReport['outcome']): string {
  return `docs/operate.md#${outcome === 'partial' ? 'runpartlyfailed' : 'runfailed'}`
}
