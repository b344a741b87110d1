/** The evidence of a period as one HTML file. Nothing of the report is left out but what its records' keys lead to. */
import type { AuditArchive, AuditGuest, AuditReport } from '../contracts/audit.ts'
import { formatBytes } from '../domain/words/byte-size.ts'
import { duration } from '../domain/time/duration.ts'
import { counted, nounFor } from '../domain/words/counted.ts'
import { escaped, time } from '../domain/words/html.ts'
import { figure, page } from './html.ts'

/** The page in pieces, each a string: a quarter of hundreds of guests is never one text in memory. */
export function auditPage(report: AuditReport, sha256: (text: string) => string): Generator<string, void, void> {
  const { bucket, from, to } = report
  return page(`Evidence of ${bucket}, ${from.slice(0, 10)} to ${to.slice(0, 10)}`, bodyOf(report), sha256)
}

function* bodyOf(report: AuditReport): Generator<string, void, void> {
  const { bucket, keyPrefix, from, to, site, madeAt, tool, summary, whole, totals, guests, restores } = report
  yield `<h1>Evidence of s3://${escaped(`${bucket}/${keyPrefix}`)}</h1>
<p>${time(from)} to ${time(to)}${site === undefined ? '' : `, site ${escaped(site)}`}. Made at ${time(madeAt)} by ${escaped(tool)}.</p>
<p${whole ? '' : ' class="bad"'}>${escaped(summary)}</p>
<ul class="figures">${figure(totals.guests, nounFor(totals.guests, 'guest'))}${figure(totals.archived, 'archived')}${figure(formatBytes(totals.archivedBytes), 'stored')}${figure(totals.verified, 'verified', 'verified')}${figure(totals.refused, 'refused', 'bad')}${figure(totals.rehearsalsPassed, 'rehearsed', 'verified')}${figure(totals.rehearsalsFailed, nounFor(totals.rehearsalsFailed, 'failed rehearsal'), 'bad')}${figure(totals.failed, 'failed', 'bad')}${figure(totals.skipped, 'skipped', 'warned')}${figure(totals.gaps, nounFor(totals.gaps, 'gap'), 'bad')}${figure(totals.pruned, 'pruned')}${figure(totals.locked, 'held by a lock')}${figure(totals.restores, nounFor(totals.restores, 'restore'))}</ul>
`
  yield* findingsOf(report)
  yield `<h2>Guests</h2>\n`
  for (const guest of guests) yield* guestOf(guest, report.locksAsked === true)
  if (guests.length === 0) yield `<p>No record of the period names a guest.</p>\n`
  if (restores.length > 0) {
    yield `<h2>Restores</h2>\n<table><thead><tr><th>When</th><th>Outcome</th><th>What came of it</th></tr></thead><tbody>\n`
    for (const { at, outcome, summary: what } of restores)
      yield `<tr><td>${time(at)}</td><td${outcome === 'succeeded' ? '' : ' class="bad"'}>${escaped(outcome)}</td><td class="text">${escaped(what)}</td></tr>\n`
    yield `</tbody></table>\n`
  }
  const read = Object.entries(report.read).map(([kind, count]) => `${count} of ${kind}`)
  yield `<p class="sub">Records read: ${escaped(read.length === 0 ? 'none' : read.join(', '))}. "Verified" means read back whole in the period, and nothing less.</p>\n`
}

function* findingsOf({ findings, furtherFindings }: AuditReport): Generator<string, void, void> {
  if (findings.length === 0) return
  yield `<h2>To look at first</h2>\n<table><thead><tr><th>Weight</th><th>What</th><th>Where</th></tr></thead><tbody>\n`
  for (const { weight, message, key } of findings) {
    const mark = weight === 'unproved' ? 'bad' : 'warned'
    const where = key === undefined ? '' : `<code>${escaped(key)}</code>`
    yield `<tr><td class="${mark}">${weight}</td><td class="text">${escaped(message)}</td><td class="text">${where}</td></tr>\n`
  }
  yield `</tbody></table>\n`
  if (furtherFindings > 0) yield `<p class="bad">And ${furtherFindings} more.</p>\n`
}

function* guestOf(guest: AuditGuest, locksAsked: boolean): Generator<string, void, void> {
  const { site, kind, id, name, former, counts, schedule, gaps, failures, archives, identity } = guest
  const said = [
    counted(counts.archived, 'archive'),
    formatBytes(counts.archivedBytes),
    ...(counts.verified > 0 ? [marked('verified', `${counts.verified} verified`)] : []),
    ...(counts.rehearsalsPassed > 0 ? [marked('verified', `${counts.rehearsalsPassed} rehearsed`)] : []),
    ...(counts.pruned > 0 ? [`${counts.pruned} pruned`] : []),
    ...(counts.refused > 0 ? [marked('bad', `${counts.refused} refused`)] : []),
    ...(counts.rehearsalsFailed > 0 ? [marked('bad', counted(counts.rehearsalsFailed, 'failed rehearsal'))] : []),
    ...(counts.failed > 0 ? [marked('bad', `${counts.failed} failed`)] : []),
    ...(counts.skipped > 0 ? [marked('warned', `${counts.skipped} skipped`)] : []),
    ...(counts.gaps > 0 ? [marked('bad', counted(counts.gaps, 'gap'))] : []),
  ]
  const shown = said.map((one) => (one.startsWith('<') ? one : `<span>${escaped(one)}</span>`)).join('')
  const was = former === true ? ' (another guest has its id now)' : ''
  yield `<details><summary><b>${escaped(name === '' ? `${kind}-${id}` : name)}</b><span class="sub">${escaped(`${site}/${kind}-${id}${was}`)}</span>${shown}</summary>\n`
  const every =
    schedule === undefined
      ? 'Its gaps were not judged.'
      : `To be archived every ${schedule.everyHours} hours${schedule.chosenBy.length === 0 ? '' : ` (${schedule.chosenBy.join(', ')})`}.`
  const who = identity === undefined ? 'No record tells its identity.' : `Identity ${identity.id}.`
  yield `<p class="sub">${escaped(`${every} ${who}`)}</p>\n`
  for (const gap of gaps) {
    const length = duration(Date.parse(gap.to) - Date.parse(gap.from))
    yield `<p class="bad">No archive from ${time(gap.from)} to ${time(gap.to)}: ${escaped(length)}, and ${gap.allowedHours} hours are allowed.</p>\n`
  }
  for (const { at, outcome, verdict, reason } of failures)
    yield `<p class="${outcome === 'failed' ? 'bad' : 'warned'}">${time(at)} ${outcome}: ${escaped(`${verdict}. ${reason}`)}</p>\n`
  if (archives.length > 0) {
    yield `<table><thead><tr><th>Archive</th><th class="number">Size</th><th>Consistency</th><th>Read back</th><th>Rehearsed</th><th>Since</th></tr></thead><tbody>\n`
    for (const archive of archives) yield rowOf(archive, locksAsked)
    yield `</tbody></table>\n`
  }
  yield `</details>\n`
}

const marked = (mark: string, text: string): string => `<span class="${mark}">${escaped(text)}</span>`

function rowOf(
  { at, folder, made, readings, rehearsals, pruned, lock, there, copy }: AuditArchive,
  locksAsked: boolean,
): string {
  const size = made === undefined ? 'made before' : formatBytes(made.sizeBytes)
  const consistency = made?.grade?.consistency ?? (made === undefined ? '' : 'not known')
  const lacks = made?.unmet === true ? marked('bad', ' less than required') : ''
  const sums = made?.files.map(({ checksum }) => checksum).join(' ') ?? ''
  const read = readings.map(({ at: when, result, reason, sizeBytes }) => {
    const mark = result === 'accepted' ? 'verified' : result === 'refused' ? 'bad' : 'warned'
    const why = reason === undefined || result === 'accepted' ? '' : ` ${escaped(reason)}`
    return `${marked(mark, result)} ${time(when)} (${escaped(formatBytes(sizeBytes))})${why}`
  })
  const rehearsed = rehearsals.map(
    ({ at: when, passed }) => `${marked(passed ? 'verified' : 'bad', passed ? 'passed' : 'failed')} ${time(when)}`,
  )
  const since = [
    ...(pruned === undefined ? [] : [`pruned ${time(pruned.at)}: ${escaped(pruned.reason)}`]),
    ...(lock === undefined
      ? []
      : [`held by a lock${lock.retainUntil === undefined ? '' : ` until ${time(lock.retainUntil)}`}`]),
    ...(locksAsked && there && lock === undefined ? [marked('warned', 'no lock')] : []),
    ...(copy === undefined ? [] : [copyWords(copy)]),
    ...(pruned === undefined ? [there ? 'in the bucket' : marked('bad', 'not in the bucket, or not whole')] : []),
  ]
  return `<tr><td>${time(at)}<br><code>${escaped(folder)}</code></td><td class="number" data-label="size">${escaped(size)}</td><td>${escaped(consistency)}${lacks}<br><code class="sum">${escaped(sums)}</code></td>${cell('read back', read)}${cell('rehearsed', rehearsed)}<td class="text">${since.join('<br>')}</td></tr>\n`
}

function copyWords({ bucket, state, reason = '' }: NonNullable<AuditArchive['copy']>): string {
  if (state === 'proved') return `${marked('verified', 'second copy proved')} in ${escaped(bucket)}`
  const what = state === 'lacking' ? marked('bad', 'no second copy') : marked('warned', 'second copy not known')
  return `${what} in ${escaped(bucket)}: ${escaped(reason)}`
}

const cell = (label: string, lines: readonly string[]): string =>
  `<td class="text" data-label="${label}">${lines.join('<br>')}</td>`
