import { styleText } from 'node:util'
import type { ShortGrade } from '../../../functions/contracts/grade.ts'
import type { LesserLevel } from '../../../functions/contracts/proof.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { uncoveredStates } from '../../../functions/domain/coverage/coverage.ts'
import { gradeText } from '../../../functions/domain/backup/grade.ts'
import { shortProof } from '../../../functions/domain/transfer/proof-words.ts'
import type { LastRehearsals } from '../../../functions/domain/restore/rehearsal-book.ts'
import { byCause, someOf } from '../../../functions/domain/words/same-cause.ts'
import { type Layout, plain, textColumns } from './columns.ts'
import { ownDay, ownTime } from './own-time.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { rehearsalWord } from './print-rehearsal.ts'

/** Of a judgement made here, or of a report. */
interface JudgedGuest {
  site: string
  guest: { kind: string; id: string }
  name: string
  state: string
  reasons: readonly string[]
  archives: number
  sizeBytes: number
  newestAt?: string | undefined
  newestCreatedAt?: string | undefined
  lastVerifiedAt?: string | undefined
  grade?: ShortGrade | undefined
  proof?: LesserLevel | undefined
  rehearsal?: LastRehearsals | undefined
}

interface ToldCoverage {
  guests: readonly JudgedGuest[]
  summary: string
  unknown: readonly string[]
}

const uncovered = new Set<string>(uncoveredStates)

/** A line for each guest, what they come to, and what nobody knows. */
export function coverageLines({ guests, summary, unknown }: ToldCoverage): string[] {
  const { reasonOf, shared } = sharedReasons(guests)
  return [
    ...textColumns(
      guests.map((guest) => [...row(guest), plain(reasonOf(guest))]),
      layoutOf(guests),
    ).flat(),
    ...shared.map(plain),
    plain(summary),
    ...unknown.map((note) => `note: ${plain(note)}`),
  ]
}

/** From so many guests on, a reason is told once below the table, and the rows only point at it. */
const SHARED_BY = 4

function sharedReasons(guests: readonly JudgedGuest[]) {
  const groups = byCause(
    guests.filter(({ reasons }) => reasons.length > 0),
    ({ guest, name, reasons }) => ({ cause: reasons.join(' '), own: [guest.id, name, guest.kind] }),
  ).filter((group) => group.length >= SHARED_BY)
  const numbers = new Map(groups.flatMap((group, index) => group.map((guest) => [guest, index + 1] as const)))
  const shared = groups.map((group, index) => {
    const names = someOf(group.map(({ guest }) => `${guest.kind} ${guest.id}`))
    return `[${index + 1}] ${group.length} guests (${names}): ${group[0]?.reasons.join(' ')}`
  })
  const reasonOf = (guest: JudgedGuest) => {
    const number = numbers.get(guest)
    return number === undefined ? guest.reasons.join(' ') : `[${number}]`
  }
  return { reasonOf, shared }
}

const [SITE, NAME, ARCHIVES, GRADE, VERIFIED, REHEARSED] = [1, 3, 5, 6, 7, 8]

/** The state, the guest and the time of its newest archive stay; of several sites, the site too. */
function layoutOf(guests: readonly JudgedGuest[]): Layout {
  const sites = new Set(guests.map(({ site }) => site))
  return { cut: NAME, spare: [GRADE, VERIFIED, ARCHIVES, ...(sites.size > 1 ? [] : [SITE]), REHEARSED] }
}

function row(judged: JudgedGuest): string[] {
  const {
    state,
    site,
    guest,
    name,
    newestAt,
    newestCreatedAt,
    archives,
    sizeBytes,
    lastVerifiedAt,
    grade,
    proof,
    rehearsal,
  } = judged
  const dated = newestCreatedAt === undefined ? '' : ` (dated ${ownTime(newestCreatedAt)})`
  const colour = uncovered.has(state) ? 'red' : state === 'covered' ? 'green' : 'dim'
  return [
    styleText(colour, state),
    site,
    `${guest.kind} ${guest.id}`,
    plain(name),
    newestAt === undefined ? 'no archive' : `${ownTime(newestAt)}${dated}`,
    archives === 0 ? '' : `${counted(archives, 'archive')}, ${formatBytes(sizeBytes)}`,
    archives === 0 ? '' : gradeText(grade) + (proof === undefined ? '' : `, ${shortProof(proof)}`),
    lastVerifiedAt === undefined ? '' : `verified ${ownDay(lastVerifiedAt)}`,
    rehearsal === undefined ? '' : rehearsalWord(rehearsal),
  ]
}
