/** What an agent is told of the bucket as a whole. */
import { PARKED_TAG } from '../../../functions/contracts/coverage.ts'
import { uncoveredStates } from '../../../functions/domain/coverage/coverage.ts'
import { guestsIn } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import { knownSites, requireKnownSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { findGuests } from '../../../functions/operations/catalogue/find-archive.ts'
import { readCatalogue } from '../../../functions/operations/catalogue/read-catalogue.ts'
import { judgeCoverage } from '../../../functions/operations/coverage/judge-coverage.ts'
import { reportKey } from '../../../functions/domain/books/object-keys.ts'
import { latestRuns } from '../../../functions/operations/run/latest-runs.ts'
import { type AnswerNeeds, archiveAnswer, asked, lastCheck } from './guest-answers.ts'

/**
 * Guests that aren't covered: by the bucket now, and by the last check of each site, which alone knows guests that were
 * never archived.
 */
export async function uncovered({ site }: { site?: string | undefined }, needs: AnswerNeeds): Promise<object> {
  const { everyMilliseconds } = needs
  if (site !== undefined) await requireKnownSite(site, needs)
  const rules = {
    everyMilliseconds,
    graceMilliseconds: everyMilliseconds / 4,
    shrunkBelow: 0.5,
    parkedTags: [PARKED_TAG],
    parkedIds: [],
  }
  const { store, keyPrefix, now } = needs
  const judged = await judgeCoverage(site, rules, { store, keyPrefix, now })
  const isBad = ({ state }: { state: string }) => uncoveredStates.some((one) => one === state)
  const checks: object[] = []
  const unknown = [...judged.unknown]
  for (const name of site === undefined ? await knownSites(needs) : [site]) {
    const { key, report, troubles } = await lastCheck(name, needs)
    unknown.push(...troubles)
    if (report === undefined) {
      if (troubles.length === 0)
        unknown.push(`No check of the coverage of site ${name} is known: guests that were never archived are not seen.`)
      continue
    }
    const { judgedAt, outcome, summary, unknown: unseen } = report
    const guests = report.guests.filter(isBad).map(({ guest, name: called, state, reasons, newestAt }) => ({
      site: name,
      ...guest,
      name: called,
      state,
      reasons,
      newestAt: newestAt ?? null,
    }))
    checks.push({ site: name, key, judgedAt, outcome, summary, unknown: unseen, uncovered: guests })
  }
  return {
    ...asked(needs),
    rule: `An archive each ${everyMilliseconds / 3_600_000} hours, and a quarter of that as grace. The last checks go by their own schedules.`,
    byTheBucketNow: {
      counts: judged.counts,
      uncovered: judged.guests.filter(isBad).map(({ site: of, guest, name, state, reasons, newestAt }) => ({
        site: of,
        ...guest,
        name,
        state,
        reasons,
        newestAt: newestAt ?? null,
      })),
    },
    lastChecks: checks,
    unknown,
  }
}

export interface ListQuestion {
  site?: string | undefined
  guest?: string | undefined
  since?: string | undefined
  until?: string | undefined
  limit: number
}

/** Archives, the newest of each guest first. */
export async function listArchives(
  { site, guest, since, until, limit }: ListQuestion,
  needs: AnswerNeeds,
): Promise<object> {
  if (site !== undefined) await requireKnownSite(site, needs)
  const archives: object[] = []
  let all = 0
  const add = (entries: readonly Parameters<typeof archiveAnswer>[0][]) => {
    for (const entry of entries.toReversed()) {
      const at = Date.parse(entry.at ?? entry.createdAt)
      if ((since !== undefined && at < Date.parse(since)) || (until !== undefined && at > Date.parse(until))) continue
      all += 1
      if (archives.length < limit) archives.push(archiveAnswer(entry))
    }
  }
  if (guest === undefined) {
    const filter = site === undefined ? {} : { site }
    for await (const read of readCatalogue(filter, needs)) for (const { entries } of guestsIn(read)) add(entries)
  } else for (const { entries } of (await findGuests(guest, { site }, needs)).guests) add(entries)
  return { ...asked(needs), count: all, notShown: all - archives.length, archives }
}

/** The latest runs, with what failed in each. One without a report is under way, or died: that is no success. */
export async function recentRuns(
  { site, limit, days }: { site?: string | undefined; limit: number; days: number },
  needs: AnswerNeeds,
): Promise<object> {
  const runs: object[] = []
  for await (const { folder, report } of latestRuns(days, needs)) {
    if (runs.length >= limit) break
    const key = reportKey(folder)
    if (report === undefined) runs.push({ folder, outcome: 'no report: it is under way, or it died' })
    else if (report === 'unreadable')
      runs.push({ folder, reportKey: key, outcome: "unknown: its report can't be read" })
    else if (site === undefined || report.site === site) {
      const { runId, site: of, outcome, summary, startedAt, endedAt, guests } = report
      const missed = guests.filter((guest) => guest.outcome !== 'succeeded')
      runs.push({
        runId,
        site: of ?? null,
        outcome,
        summary,
        startedAt,
        endedAt,
        reportKey: key,
        notArchived: missed.map(({ id, name, outcome: ended, verdict, reason }) => ({
          id,
          name,
          outcome: ended,
          verdict,
          reason,
        })),
      })
    }
  }
  return { ...asked(needs), days, runs }
}
