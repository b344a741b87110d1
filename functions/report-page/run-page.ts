/** The report of a run as one HTML file: what needs a person first, then every guest. */
import type { GuestOutcome, RunReport } from '../contracts/report.ts'
import type { ConfigurationChange, KeptConfiguration } from '../contracts/site-configuration.ts'
import { isStored } from '../domain/backup/tally.ts'
import { formatBytes } from '../domain/words/byte-size.ts'
import { counted } from '../domain/words/counted.ts'
import { escaped, time } from '../domain/words/html.ts'
import { figure, page } from './html.ts'

export interface RunPageAbout {
  bucket: string
  /** Of `report.json`, which says all this to programs. */
  reportKey: string
  toolVersion: string
}

/** The page in pieces, each a string. */
export function runPage(
  report: RunReport,
  about: RunPageAbout,
  sha256: (text: string) => string,
): Generator<string, void, void> {
  const { site, runId, outcome } = report
  return page(`Run ${runId}${site === undefined ? '' : ` of ${site}`}: ${outcome}`, bodyOf(report, about), sha256)
}

const MARKS = { succeeded: 'verified', partial: 'bad', failed: 'bad', skipped: 'warned' } as const

function* bodyOf(report: RunReport, about: RunPageAbout): Generator<string, void, void> {
  const { site, runId, outcome, summary, startedAt, endedAt, guests, notes, receipt, siteConfiguration } = report
  const took = Date.parse(endedAt) - Date.parse(startedAt)
  const stored = guests.filter(isStored)
  const count = (wanted: GuestOutcome['outcome']) => guests.filter((guest) => guest.outcome === wanted).length
  const bytes = stored.flatMap(({ artifacts }) => artifacts).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const sent = guests.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
  yield `<h1>Run ${escaped(runId)}${site === undefined ? '' : ` of site ${escaped(site)}`}</h1>
<p class="${MARKS[outcome]}">${escaped(summary)}</p>
<p>${time(startedAt)} to ${time(endedAt)}, ${escaped(timeTaken(took))}.</p>
<ul class="figures">${figure(count('succeeded'), 'archived', 'verified')}${figure(count('failed'), 'failed', 'bad')}${figure(count('skipped'), 'skipped', 'warned')}${figure(formatBytes(bytes), 'stored')}${figure(formatBytes(sent), 'sent')}${receipt === undefined ? '' : figure(dollars(receipt), 'on AWS by list prices')}</ul>
`
  const troubled = guests.filter((guest) => guest.outcome !== 'succeeded')
  if (troubled.length > 0) {
    yield `<h2>Not archived</h2>\n<table><thead><tr><th>Guest</th><th>Outcome</th><th>Why, and what to do</th></tr></thead><tbody>\n`
    for (const guest of troubled) yield troubledRow(guest)
    yield `</tbody></table>\n`
  }
  if (stored.length > 0) {
    yield `<h2>Stored</h2>\n<table><thead><tr><th>Guest</th><th class="number">Size</th><th class="number">Sent</th><th class="number">Took</th><th>Consistency</th><th>Verdict</th></tr></thead><tbody>\n`
    for (const guest of stored) yield storedRow(guest)
    yield `</tbody></table>\n`
  }
  if (guests.length === 0) yield `<p>No guest was chosen.</p>\n`
  if (notes.length > 0) yield `<h2>Notes</h2>\n${notes.map((note) => `<p>${escaped(note)}</p>\n`).join('')}`
  if (siteConfiguration !== undefined) yield* configurationOf(siteConfiguration)
  if (receipt !== undefined) {
    yield `<h2>What it cost</h2>\n<table><tbody>${receipt.items.map((item) => `<tr><td class="text">${escaped(item.what)}</td><td class="number">${dollars(item)}</td></tr>`).join('\n')}</tbody></table>\n`
  }
  yield `<p class="sub">"Archived" means that the checksum of what is stored is that of what was read. Made by ${escaped(about.toolVersion)} from s3://${escaped(`${about.bucket}/${about.reportKey}`)}.</p>\n`
}

function guestCell({ id, name, kind, node }: GuestOutcome): string {
  const where = `${kind === undefined ? '' : `${kind} `}${id}${node === undefined ? '' : `, ${node}`}`
  return `<td><b>${escaped(name === '' ? id : name)}</b> <span class="sub">${escaped(where)}</span></td>`
}

function troubledRow(guest: GuestOutcome): string {
  const { outcome, verdict, reason } = guest
  return `<tr>${guestCell(guest)}<td class="${MARKS[outcome]}">${outcome}</td><td class="text">${escaped(verdict)}<br>${escaped(reason)}</td></tr>\n`
}

function storedRow(guest: GuestOutcome): string {
  const { artifacts, bytesSent, seconds, grade, outcome, verdict, reason } = guest
  const size = artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const files = artifacts.map(
    ({ key, checksum }) => `<br><code>${escaped(key)}</code> <code class="sum">${escaped(checksum)}</code>`,
  )
  const lacks = grade === undefined || grade.gaps.length === 0 ? '' : `, lacks ${grade.gaps.join(', ')}`
  const verdictMark = outcome === 'succeeded' ? (verdict === 'archived' ? '' : ' warned') : ' bad'
  const why = reason === '' || outcome !== 'succeeded' ? '' : ` ${escaped(reason)}`
  return `<tr>${guestCell(guest).replace('</td>', `${files.join('')}</td>`)}<td class="number" data-label="size">${escaped(formatBytes(size))}</td><td class="number" data-label="sent">${escaped(formatBytes(bytesSent))}</td><td class="number" data-label="took">${escaped(timeTaken(seconds * 1000))}</td><td class="text" data-label="consistency">${escaped(`${grade?.consistency ?? 'not known'}${lacks}`)}</td><td class="text${verdictMark}">${escaped(verdict)}${why}</td></tr>\n`
}

/** What changed on the site itself since the record before, and what the record may lack. */
function* configurationOf(kept: KeptConfiguration): Generator<string, void, void> {
  const { key, takenAt, changes, changeCount, incomplete } = kept
  yield `<h2>How the site is set up</h2>\n<p>Kept as <code>${escaped(key)}</code>, written ${time(takenAt)}. ${changeCount === 0 ? 'No changes.' : `${counted(changeCount, 'change')} since the record before.`}</p>\n`
  for (const lack of incomplete) yield `<p class="warned">May be incomplete: ${escaped(lack)}</p>\n`
  if (changes.length === 0) return
  yield `<table><thead><tr><th>Part</th><th>Entry</th><th>Change</th></tr></thead><tbody>\n`
  for (const change of changes) yield changeRow(change)
  yield `</tbody></table>\n`
  const more = changeCount - changes.length
  if (more > 0)
    yield `<p>${more} more ${more === 1 ? 'is' : 'are'} not listed here. The records hold all of them.</p>\n`
}

function changeRow({ part, entry, change, fields }: ConfigurationChange): string {
  const which = fields === undefined ? '' : `: ${fields.join(', ')}`
  return `<tr><td>${escaped(part)}</td><td class="text">${escaped(entry)}</td><td class="text">${escaped(`${change}${which}`)}</td></tr>\n`
}

/** `1:05 min`, minutes and seconds; from an hour on `2:05 h`, hours and minutes. */
function timeTaken(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const whole = seconds < 3600 ? seconds : Math.floor(seconds / 60)
  const unit = seconds < 3600 ? 'min' : 'h'
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} ${unit}`
}

/** `$0.0012`, or from the least to the most. */
function dollars({ leastDollars, mostDollars }: { leastDollars: number; mostDollars: number }): string {
  const [least, most] = [leastDollars.toFixed(4), mostDollars.toFixed(4)]
  return least === most ? `$${least}` : `$${least} to $${most}`
}
