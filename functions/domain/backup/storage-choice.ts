/** Which storage a backup goes to when the job leaves that open (`auto`). */
import { formatBytes } from '../words/byte-size.ts'

export interface Candidate {
  storage: string
  /** The platform's word: `dir`, `nfs`, … */
  type: string
  /** Absent: nobody here knows the type. */
  backupsAreFiles?: boolean
  freeBytes: number
  /** Promised to dumps that are under way. */
  promisedBytes: number
}

/** `notes`: a sentence for each candidate that was passed over because nobody knows what backups on it are. */
export type StorageChoice<One> =
  | { chosen: One; reason: string; notes: string[] }
  | { chosen?: undefined; notes: string[] }

/**
 * The storage with most room left, and a sentence that says why. Only one whose backups are known to be files: what is
 * no file is found out after hours of dumping.
 */
export function chooseStorage<One extends Candidate>(candidates: readonly One[]): StorageChoice<One> {
  const left = ({ freeBytes, promisedBytes }: Candidate) => Math.max(0, freeBytes - promisedBytes)
  const notes = candidates
    .filter(({ backupsAreFiles }) => backupsAreFiles === undefined)
    .map((one) => `Storage auto passes over ${one.storage}: ${ofUnknownType(one)} Name it in the job if it does.`)
  const [chosen, ...others] = candidates
    .filter(({ backupsAreFiles }) => backupsAreFiles === true)
    .toSorted((one, other) => left(other) - left(one) || (one.storage < other.storage ? -1 : 1))
  if (chosen === undefined) return { notes }
  const room = formatBytes(left(chosen))
  if (others.length === 0)
    return { chosen, reason: `Storage ${chosen.storage}, the only one for backups, ${room} free.`, notes }
  const rest = others.map((other) => `${other.storage} ${formatBytes(left(other))}`).join(', ')
  return { chosen, reason: `Storage ${chosen.storage} has most room for backups, ${room} free (${rest}).`, notes }
}

/** What is to be said of a storage whose type isn't known, a sentence. */
export function ofUnknownType({ type }: Pick<Candidate, 'type'>): string {
  const what = type === '' ? 'no type is shown for it' : `its type ${type} is a plug-in that Guestlift doesn't know`
  return `${what}, and may not keep backups as files, which alone can be archived.`
}
