/** `guestlift list`: a line for each guest, about its newest archive. */
import { styleText } from 'node:util'
import type { CatalogueEntry } from '../../../functions/domain/catalogue/catalogue.ts'
import type { CataloguedGuest } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import { timeOf } from '../../../functions/domain/time/archive-time.ts'
import { shortProof } from '../../../functions/domain/transfer/proof-words.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { fittedColumns, plain } from './columns.ts'
import { ownDay } from './own-time.ts'

/** What is kept of a guest until all widths are known: little, for thousands of guests. */
export type GuestRow = readonly string[]

const HEAD = ['Guest', 'Name', 'Newest', 'Age', 'Size', 'Grade', 'State', 'Archives', 'Next']
const NAME = 1
/** Archives, then grade, then age: what is missed least. */
const SPARE = [7, 5, 3]
const NEXT = 8

/**
 * @param now milliseconds
 * @param due when the next archive is; `undefined` where nobody knows
 */
export function guestRow(guest: CataloguedGuest, now: number, due: string | undefined): GuestRow {
  const { site, entries, name, former } = guest
  const newest = entries.at(-1)
  if (newest === undefined) return []
  return [
    `${site}/${guest.guest.kind}-${guest.guest.id}`,
    `${plain(name)}${former ? ' (former)' : ''}`,
    // The age says the rest, and `show` all.
    ownDay(newest.at ?? newest.createdAt),
    age(now - timeOf(newest)),
    formatBytes(newest.sizeBytes),
    newest.facts?.grade?.consistency ?? '-',
    stateCell(newest),
    String(entries.length),
    due === undefined ? NOT_KNOWN : nextCell(Date.parse(due) - now),
  ]
}

const NOT_KNOWN = '-'

/** `in 15 h`, `overdue 3 d` */
function nextCell(milliseconds: number): string {
  return milliseconds < 0 ? styleText('yellow', `overdue ${age(-milliseconds)}`) : `in ${age(milliseconds)}`
}

/** The last column is there when anything of it is known. */
export function guestTable(rows: readonly GuestRow[], width: number | undefined): string[] {
  if (rows.length === 0) return []
  const isKnown = rows.some((row) => row[NEXT] !== NOT_KNOWN)
  const table = [HEAD, ...rows].map((row) => (isKnown ? row : row.slice(0, NEXT)))
  const [head = '', ...lines] = fittedColumns(table, NAME, width, SPARE)
  return [styleText('bold', head), ...lines]
}

/** `3 h`, `9 d`, `14 mo` */
export function age(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000)
  if (hours < 1) return hours < 0 ? 'future' : `${Math.floor(milliseconds / 60_000)} m`
  if (hours < 48) return `${hours} h`
  const days = Math.floor(hours / 24)
  return days < 100 ? `${days} d` : `${Math.floor(days / 30.44)} mo`
}

/** What a list is filtered by. */
export const archiveStates = ['whole', 'broken', 'verified', 'unverified', 'refused', 'warnings'] as const
export type ListedState = (typeof archiveStates)[number]

export function isInState(entry: CatalogueEntry, state: ListedState): boolean {
  const { verification, facts } = entry
  switch (state) {
    case 'whole':
      return entry.state === 'complete'
    case 'broken':
      return entry.state !== 'complete'
    case 'verified':
      return verification?.state === 'verified'
    case 'unverified':
      return verification?.state !== 'verified'
    case 'refused':
      return verification?.state === 'failed'
    case 'warnings':
      return facts !== undefined && (facts.verdict.unmet === true || facts.verdict.name === 'archived-with-warnings')
  }
}

/** The worst that is known of it, in a word or two. */
function stateCell(entry: CatalogueEntry): string {
  if (isInState(entry, 'broken')) return styleText('red', entry.state.toUpperCase())
  if (isInState(entry, 'refused')) return styleText('red', 'REFUSED')
  if (isInState(entry, 'warnings')) return styleText('yellow', 'warnings')
  if (isInState(entry, 'verified')) return styleText('green', 'verified')
  const { proof } = entry.facts ?? {}
  return proof === undefined ? 'archived' : shortProof(proof)
}
