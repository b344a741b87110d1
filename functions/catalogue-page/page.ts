/**
 * The catalogue as one HTML file that needs nothing else: no server, no network, no other file. Archives travel as
 * short rows of numbers, so that hundreds of thousands of them stay a file that a browser opens at once.
 */
import type { RehearsalBook } from '../contracts/drill.ts'
import { otherTime } from '../domain/time/archive-time.ts'
import type { ArchiveState, CatalogueEntry, GuestArchives } from '../domain/catalogue/catalogue.ts'
import { type CataloguedGuest, guestsIn } from '../domain/catalogue/catalogue-guests.ts'
import { escaped, pageHead, time } from '../domain/words/html.ts'
import { rehearsalsOf } from '../domain/restore/rehearsal-book.ts'
import { shortName } from './file-names.ts'
import { gradeCode } from './grade.ts'
import { pageRestore } from './restore.ts'
import { PAGE_SCRIPT } from './script.ts'
import { PAGE_STYLE } from './style.ts'

/** Codes of the rows; the page's script has the same order. */
const STATES: readonly ArchiveState[] = ['complete', 'incomplete', 'unreadable', 'damaged']
const VERIFICATIONS = ['verified', 'failed', 'not-verified', 'unreadable'] as const
const NEVER_VERIFIED = -1

/**
 * `[time, sizeBytes, state, verification, verifiedAt, warnings, note, dated, grade, form, …]`: times in seconds since 1970;
 * what is absent at the end is left out. `note` is the reason of what is broken, else the archive's notes. `time` is the
 * trusted one, and `dated` that of the platform, which is in the archive's key, where they differ by more than a minute.
 * `grade` is 0 where nobody knows. `form` is there for each file of an archive that can be restored: which of the guest's
 * forms its name has, counted from 1.
 */
type PageRow = (number | string)[]

type NameForm = [form: string, ahead: number]

/** Times in seconds since 1970; `lastPassedAt` is 0 where none passed. */
type PageRehearsal = [at: number, passed: 0 | 1, totalSeconds: number, lastPassedAt: number]

interface PageGuest {
  site: string
  kind: string
  id: string
  name: string
  tags: string[]
  /** Present for a guest that had the id before another one. */
  former?: true
  /** What the names of its files look like, `{}` for a time, and by how many seconds that is ahead of the archive's. */
  forms: NameForm[]
  rows: PageRow[]
  /** Absent: it was never rehearsed. Empty: that isn't known. */
  rehearsal?: PageRehearsal | []
}

/** The guests of one id as the page has them. Keep these instead of whole archives: they are a tenth of the size. */
export type PageGuestText = string & { readonly page: unique symbol }

/** The guests of one id for the page, as text, so that a large catalogue needs no more memory than its page. */
export function pageGuest(archives: GuestArchives, rehearsals: RehearsalBook | undefined): PageGuestText {
  const texts = guestsIn(archives).map((guest) => guestText(guest, rehearsals))
  return texts.join(',\n') as PageGuestText
}

/** One guest for the page. @param rehearsals of its site; absent: they can't be read */
export function guestText(guest: CataloguedGuest, rehearsals: RehearsalBook | undefined): PageGuestText {
  const newest = guest.entries.findLast(({ facts }) => facts !== undefined)
  const forms: NameForm[] = []
  const page: PageGuest = {
    site: guest.site,
    kind: guest.guest.kind,
    id: guest.guest.id,
    name: guest.name,
    tags: [...new Set([...(newest?.facts?.tags ?? []), ...(newest?.verification?.tags ?? [])])],
    ...(guest.former ? { former: true } : {}),
    forms,
    rows: guest.entries.map((entry) => rowOf(entry, forms)),
    ...rehearsalOf(guest, rehearsals),
  }
  return embedded(page) as PageGuestText
}

function rehearsalOf(
  { guest, identity }: CataloguedGuest,
  rehearsals: RehearsalBook | undefined,
): Pick<PageGuest, 'rehearsal'> {
  if (rehearsals === undefined) return { rehearsal: [] }
  const found = rehearsalsOf(rehearsals, { ...guest, identity })
  if (found === undefined) return {}
  const { last, lastPassed } = found
  const passedAt = lastPassed === undefined ? 0 : seconds(lastPassed.at)
  return { rehearsal: [seconds(last.at), last.passed ? 1 : 0, Math.round(last.totalSeconds), passedAt] }
}

/** @param forms of the guest's files so far; new ones are added */
function rowOf(entry: CatalogueEntry, forms: NameForm[]): PageRow {
  const { createdAt, at, sizeBytes, state, reason, facts, verification } = entry
  const trusted = otherTime(entry) === undefined ? createdAt : (at ?? createdAt)
  const verifiedAt = verification?.at === undefined ? 0 : seconds(verification.at)
  const row: PageRow = [
    seconds(trusted),
    sizeBytes,
    STATES.indexOf(state),
    verification === undefined ? NEVER_VERIFIED : VERIFICATIONS.indexOf(verification.state),
    verifiedAt,
    warningsOf(facts),
    reason ?? verification?.reason ?? facts?.notes ?? '',
    trusted === createdAt ? 0 : seconds(createdAt),
    facts === undefined ? 0 : gradeCode(facts),
    ...filesOf(entry, forms),
  ]
  while (row.at(-1) === 0 || row.at(-1) === '') row.pop()
  return row
}

/** A lesser grade than the guest is set up for is a warning, too, of which the platform's log says nothing. */
function warningsOf(facts: CatalogueEntry['facts']): number {
  if (facts === undefined) return 0
  return Math.max(facts.warnings, facts.verdict.name === 'archived-with-warnings' ? 1 : 0)
}

function filesOf({ createdAt, state, facts }: CatalogueEntry, forms: NameForm[]): number[] {
  if (facts === undefined || state !== 'complete') return []
  return facts.artifacts.flatMap(({ fileName }) => {
    const short = shortName(fileName, seconds(createdAt))
    if (short === undefined) return []
    const known = forms.findIndex(([form, ahead]) => form === short.form && ahead === short.ahead)
    return known === -1 ? forms.push([short.form, short.ahead]) : known + 1
  })
}

export interface PageAbout {
  bucket: string
  keyPrefix: string
  /** Where S3 is, when it is not AWS. */
  s3Url?: string | undefined
  /** When the reading began, an ISO instant: the page tells nothing younger. */
  readAt: string
  toolVersion: string
  /** Of the page of the run that archived last, where it is known. */
  runPageKey?: string | undefined
}

/** Each mark stays on a line with its meaning. */
const KEYS = [
  ['good', 'archived'],
  ['verified', 'verified'],
  ['warned', 'with warnings'],
  ['bad', 'broken or refused (full height)'],
  ['missed', 'missed'],
]
  .map(([mark, meaning]) => `<span class="key"><span class="mark ${mark}"></span>${meaning}</span>`)
  .join(' ')

/** In days; 0 is all that there is. */
const RANGES = [
  [30, '30 days'],
  [90, '90 days'],
  [365, 'a year'],
  [0, 'all'],
]
  .map(([days, words]) => `<option value="${days}"${days === 90 ? ' selected' : ''}>${words}</option>`)
  .join('')

const READ_AT = 'guestlift-read-at'
/** How much of a page it takes to see when it was read. */
export const PAGE_HEAD_BYTES = 2048

/** When a page was read, by its first bytes; `undefined` for what is no page of ours. */
export function pageReadAt(head: string): string | undefined {
  const [, instant = ''] = new RegExp(`<meta name="${READ_AT}" content="([0-9TZ:.-]+)">`).exec(head) ?? []
  return Number.isNaN(Date.parse(instant)) ? undefined : instant
}

/**
 * The page, in pieces to be written one after another.
 * @param sha256 base64 of the digest of a text in UTF-8: the page lets the browser run its own script and no other,
 * whatever a guest's name may hold
 */
export function* cataloguePage(
  about: PageAbout,
  guests: Iterable<PageGuestText>,
  sha256: (text: string) => string,
): Generator<string, void, void> {
  const title = `Archives in ${about.bucket}`
  yield pageHead({ title, style: PAGE_STYLE, script: PAGE_SCRIPT, facts: { [READ_AT]: about.readAt } }, sha256)
  yield `<header>
<h1>${escaped(title)}</h1>
<p>s3://${escaped(`${about.bucket}/${about.keyPrefix}`)}, read at ${time(about.readAt)} by ${escaped(about.toolVersion)}. <span id="totals"></span>${runLink(about)}</p>
<div id="health" role="group" aria-label="What needs a person"></div>
<form id="controls" role="search">
<input id="search" type="search" placeholder="name, id, site, tag, note or day" aria-label="Search" autocomplete="off">
<label><input id="trouble" type="checkbox"> only with trouble</label>
<label>show <select id="range">${RANGES}</select></label>
<label>sort by <select id="sort"><option value="name">name</option><option value="newest">longest without one</option><option value="size">size</option><option value="count">archives</option></select></label>
<span id="found" role="status"></span>
</form>
<p class="legend">${KEYS} One cell is a day; in a longer range a week, or 30 days.</p>
<div class="axis-row" aria-hidden="true"><span></span><span id="axis"></span></div>
</header>
<noscript><p>The list and its search are drawn by the script in this file; allow it to run. It reaches no network.</p></noscript>
<main id="guests"></main>
<button id="more" type="button" hidden>Show more</button>
<script type="application/json" id="about">${embedded({ bucket: about.bucket, keyPrefix: about.keyPrefix, readAt: about.readAt, restore: pageRestore(about.s3Url) })}</script>
<script type="application/json" id="data">[
`
  let first = true
  for (const guest of guests) {
    yield first ? guest : `,\n${guest}`
    first = false
  }
  yield `
]</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`
}

/** It leads there where the bucket is served or copied as a whole; alone, the page shows the key. */
function runLink({ keyPrefix, runPageKey }: PageAbout): string {
  if (runPageKey === undefined) return ''
  const path = runPageKey.slice(keyPrefix.length).split('/').map(encodeURIComponent).join('/')
  return ` Last run: <a href="../../${escaped(path)}"><code>${escaped(runPageKey)}</code></a>.`
}

function seconds(instant: string): number {
  return Math.floor(Date.parse(instant) / 1000)
}

/** JSON that can't end the element it stands in, nor open a comment there. */
function embedded(value: object): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}
