import type { Notice, NoticeGuest } from '../../contracts/notice.ts'
import { duration } from '../time/duration.ts'

const SUBJECT_LENGTH = 100
/** SNS takes 256 KiB, and nobody reads more than this. */
const TEXT_LENGTH = 16_000

/** A subject of one line, in which nothing breaks a header. */
export function subjectOf(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim()
  return line.length <= SUBJECT_LENGTH ? line : `${line.slice(0, SUBJECT_LENGTH - 1)}…`
}

/** The notice as plain text: what, who, since when, where to look, what to type. */
export function noticeText(notice: Notice): string {
  const { summary, guests, guestCount, notes, report, log, command, link, at } = notice
  const further = guestCount - guests.length
  const lines = [
    summary,
    ...(guests.length === 0 ? [] : ['', ...guests.map((guest) => guestLine(guest, at))]),
    ...(further > 0 ? [`… and ${further} more guests, which the report lists.`] : []),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
    ...(command === undefined ? [] : [`Next: ${command}`]),
    ...(link === undefined ? [] : [`What to do: ${link}`]),
    ...(report === undefined ? [] : [`Report: ${report}`]),
    ...(log === undefined ? [] : [`Log: ${log}`]),
  ]
  const text = lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
  return text.length <= TEXT_LENGTH ? text : `${text.slice(0, TEXT_LENGTH - 1)}…`
}

function guestLine({ id, name, cause, reason, lastArchiveAt, outcome }: NoticeGuest, at: string): string {
  const who = name === '' ? id : `${id} (${name})`
  const said = outcome === 'succeeded' ? 'archived' : `${outcome} (${cause}). ${reason}`
  return `${who}: ${said} ${ageText(lastArchiveAt, at)}`.trim()
}

function ageText(lastArchiveAt: string | null | undefined, at: string): string {
  if (lastArchiveAt === undefined) return ''
  if (lastArchiveAt === null) return 'The bucket holds no whole archive of it.'
  const milliseconds = Math.max(0, Date.parse(at) - Date.parse(lastArchiveAt))
  return `Its last whole archive is ${duration(milliseconds)} old.`
}
