/** What our collections and snapshots bear, so that they are found again, and only ours are removed. */
import { formatJobRef, type JobRef, type Owner, parseJobRef } from './identifiers.ts'

const NAMES = {
  site: 'guestlift-site',
  guest: 'guestlift-guest',
  bucket: 'guestlift-bucket',
  job: 'guestlift-job',
  disks: 'guestlift-disks',
}
/** Azure's longest value of a tag. */
export const LONGEST_VALUE = 256

export interface Mark {
  guestId: string
  /** Of the collection: the last backup that used it. */
  job?: JobRef
  /** Of a snapshot: so many belong to its backup. */
  disks?: number
  home?: string
}

export function markTags({ site, home }: Owner, job: JobRef, disks?: number): Record<string, string> {
  return {
    [NAMES.site]: site,
    [NAMES.guest]: job.guestId,
    [NAMES.job]: formatJobRef(job),
    ...(disks === undefined ? {} : { [NAMES.disks]: String(disks) }),
    ...(home === undefined ? {} : { [NAMES.bucket]: home.slice(0, LONGEST_VALUE) }),
  }
}

/** `undefined` for what isn't of this site, and of this installation where it is known. Names of tags have no case. */
export function markOf(tags: Readonly<Record<string, string>>, { site, home }: Owner): Mark | undefined {
  const known = new Map(Object.entries(tags).map(([name, value]) => [name.toLowerCase(), value]))
  const [guestId, itsHome] = [known.get(NAMES.guest), known.get(NAMES.bucket)]
  if (known.get(NAMES.site) !== site || guestId === undefined) return undefined
  if (home !== undefined && itsHome !== home.slice(0, LONGEST_VALUE)) return undefined
  const job = parseJobRef(known.get(NAMES.job) ?? '')
  const disks = Number(known.get(NAMES.disks))
  return {
    guestId,
    ...(job?.guestId === guestId ? { job } : {}),
    ...(Number.isSafeInteger(disks) && disks > 0 ? { disks } : {}),
    ...(itsHome === undefined ? {} : { home: itsHome }),
  }
}
