import { styleText } from 'node:util'
import type { CatalogueEntry, GuestArchives } from '../../../functions/domain/catalogue/catalogue.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { otherTime } from '../../../functions/domain/time/archive-time.ts'
import { shortProof } from '../../../functions/domain/transfer/proof-words.ts'
import { gradeText } from '../../../functions/domain/backup/grade.ts'
import type { CataloguedGuest } from '../../../functions/domain/catalogue/catalogue-guests.ts'
import type { CatalogueReading } from '../../../functions/operations/catalogue/read-catalogue.ts'
import { plain, textColumns } from './columns.ts'
import { ownDay, ownTime } from './own-time.ts'
import { counted } from '../../../functions/domain/words/counted.ts'

/** A guest and its archives, newest first. */
export function guestArchiveLines(guest: CataloguedGuest): string[] {
  const { entries, name, former } = guest
  const bytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const head = `${guest.site}  ${guest.guest.kind} ${guest.guest.id}  ${plain(name)}`
  const note = former ? `  ${styleText('yellow', FORMER)}` : ''
  return [
    `${styleText('bold', head)}${note}  ${counted(entries.length, 'archive')}, ${formatBytes(bytes)}`,
    ...textColumns(entries.toReversed().map(archiveRow), { spare: [CLASS, GRADE] }).flat(),
  ]
}

export const FORMER = '(another guest that had this id)'

/** When an archive was made: as the platform dated it, and by the time that is trusted where that is another one. */
export function madeAt(entry: CatalogueEntry): string {
  const trusted = otherTime(entry)
  return `${ownTime(entry.createdAt)}${trusted === undefined ? '' : ` by its platform, really ${ownTime(trusted)}`}`
}

const [GRADE, CLASS] = [3, 5]

export function archiveRow(entry: CatalogueEntry): string[] {
  return [
    `  ${madeAt(entry)}`,
    formatBytes(entry.sizeBytes),
    stateWord(entry),
    entry.facts === undefined ? '' : gradeText(entry.facts.grade),
    verificationWord(entry),
    entry.storageClass ?? '',
    plain(entry.reason ?? entry.facts?.notes ?? ''),
  ]
}

function stateWord({ state, facts }: CatalogueEntry): string {
  if (state !== 'complete') return styleText('red', state.toUpperCase())
  if (facts?.verdict.unmet === true) return styleText('red', 'LESS THAN REQUIRED')
  return facts?.verdict.name === 'archived-with-warnings' ? styleText('yellow', 'with warnings') : archived(facts)
}

function archived(facts: CatalogueEntry['facts']): string {
  return facts?.proof === undefined ? 'archived' : `archived, ${shortProof(facts.proof)}`
}

export function verificationWord({ verification }: CatalogueEntry): string {
  if (verification === undefined) return styleText('dim', 'not verified')
  const { state, at } = verification
  const when = at === undefined ? '' : ` ${ownDay(at)}`
  if (state === 'verified') return styleText('green', `verified${when}`)
  if (state === 'not-verified') return styleText('yellow', `not verified: tried${when}`)
  return styleText('red', state === 'failed' ? `FAILED${when}` : 'verification unreadable')
}

export interface CatalogueTotals {
  guests: number
  archives: number
  sizeBytes: number
  /** Archives that can't be restored as they lie there. */
  broken: number
}

/** Count a guest's archives in. */
export function addTo(totals: CatalogueTotals, { entries }: GuestArchives): void {
  totals.guests += 1
  totals.archives += entries.length
  for (const { sizeBytes, state } of entries) {
    totals.sizeBytes += sizeBytes
    if (state !== 'complete') totals.broken += 1
  }
}

export function totalsLines(
  { guests, archives, sizeBytes, broken }: CatalogueTotals,
  { strangers }: CatalogueReading,
): string[] {
  return [
    `${counted(archives, 'archive')} of ${counted(guests, 'guest')}, ${formatBytes(sizeBytes)}.`,
    ...(broken === 0 ? [] : [styleText('red', `${counted(broken, 'archive')} can't be restored as it is.`)]),
    ...strangerLines(strangers),
  ]
}

function strangerLines({ count, keys }: CatalogueReading['strangers']): string[] {
  if (count === 0) return []
  const more = count > keys.length ? ', …' : ''
  return [`${counted(count, 'object')} among the archives belongs to none: ${keys.map(plain).join(', ')}${more}`]
}
