/** Names of what we make. A snapshot's name and description are written before anything else is known of it. */
import { RequestRejected } from '../../contracts/errors.ts'
import { type Quiesce, quiesceSchema } from './options.ts'

const MODES = ['direct', 'clone', 'template'] as const
export type JobMode = (typeof MODES)[number]
/** `auto`: raw disks, and files for guests with older snapshots. */
const FORMATS = ['auto', 'disks', 'files'] as const
export type JobFormat = (typeof FORMATS)[number]

/** A backup: which guest, by which token, and how it goes on. It is found again by guest and token alone. */
export interface JobRef {
  guestId: string
  token: string
  mode: JobMode
  quiesce: Quiesce
  format: JobFormat
  /** Keys of the disks that the job leaves out. */
  skip: readonly number[]
  /** When it was begun, by the server's clock: its tasks are not older. */
  at: string
}

export function formatJobRef({ guestId, token, mode, quiesce, format, skip, at }: JobRef): string {
  return [guestId, token, mode, quiesce, format, skip.join(',') || 'none', at].join('/')
}

export function parseJobRef(text: string): JobRef | undefined {
  const [guestId = '', token = '', mode = '', quiesce = '', format = '', skip = '', at = '', ...more] = text.split('/')
  const itsMode = MODES.find((one) => one === mode)
  const itsFormat = FORMATS.find((one) => one === format)
  const itsQuiesce = quiesceSchema.safeParse(quiesce)
  const isKnown =
    isInstanceUuid(guestId) &&
    /^[0-9a-z]+$/.test(token) &&
    /^(none|\d+(,\d+)*)$/.test(skip) &&
    !Number.isNaN(Date.parse(at)) &&
    more.length === 0
  if (!isKnown || itsMode === undefined || itsFormat === undefined || !itsQuiesce.success) return undefined
  const keys = skip === 'none' ? [] : skip.split(',').map(Number)
  return { guestId, token, mode: itsMode, quiesce: itsQuiesce.data, format: itsFormat, skip: keys, at }
}

/** @throws RequestRejected for a reference of another platform or version */
export function requireJobRef(text: string, site: string): JobRef {
  const ref = parseJobRef(text)
  if (ref !== undefined) return ref
  throw new RequestRejected(`Site ${site}: ${text} is no backup of vSphere. It begins with the guest's instance UUID.`)
}

/** Of snapshots and of clones. */
export const NAME_PREFIX = 'guestlift-'

export function nameOf(token: string): string {
  return `${NAME_PREFIX}${token}`
}

/** What is written on a snapshot, and on a clone of it. */
/** Whose backups: two installations may have a site of one name. */
export interface Owner {
  site: string
  /** Bucket and folder of the installation. Absent where nothing is made or swept, as at the command line. */
  home?: string
}

export interface Mark extends JobRef, Owner {
  /** On a clone alone: what was known of the snapshot that it was made of, which is gone by then. */
  frozen?: { at: string; quiesced: boolean }
}

/** The description of a snapshot and the note of a clone: for people first, and read back by the sweep. */
export function describeMark({ site, home, frozen, ...job }: Mark): string {
  const more = frozen === undefined ? '' : ` frozen=${frozen.at} quiesced=${frozen.quiesced}`
  return (
    'Made by Guestlift for a backup, and removed by it when the copy has ended. ' +
    `[guestlift site=${site}${home === undefined ? '' : ` home=${encodeURIComponent(home)}`} job=${formatJobRef(job)}${more}]`
  )
}

/** What bears our name and our mark, both for the same token. Only one of them is somebody else's. */
export function markOf(name: string, description: string): Mark | undefined {
  const [, inside = ''] = /\[guestlift ([^\]]*)\]/.exec(description) ?? []
  const fields = new Map(inside.split(' ').map((field) => [field.split('=', 1)[0], field.replace(/^[^=]*=/, '')]))
  const ref = parseJobRef(fields.get('job') ?? '')
  const [site, frozenAt] = [fields.get('site'), fields.get('frozen')]
  if (site === undefined || ref === undefined || name !== nameOf(ref.token)) return undefined
  const home = fields.get('home')
  const mark = { ...ref, site, ...(home === undefined ? {} : { home: decoded(home) }) }
  if (frozenAt === undefined || Number.isNaN(Date.parse(frozenAt))) return mark
  return { ...mark, frozen: { at: frozenAt, quiesced: fields.get('quiesced') === 'true' } }
}

/** Of this site, and where the installation is known, of no other one. */
export function isOurs(mark: Mark, { site, home }: Owner): boolean {
  return mark.site === site && (home === undefined || mark.home === home)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Guests are known by their instance UUID: the server's own reference changes when one is registered anew. */
export function isInstanceUuid(text: string): boolean {
  return /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text)
}

/** vCenter keeps slash, backslash and percent in names as `%2f`, `%5c`, `%25`. */
export function shownName(name: string): string {
  return name.replaceAll(/%(2f|5c|25)/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
}
