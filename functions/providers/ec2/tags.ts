/** What our snapshots bear, so that they are found again, and only ours are removed. */
import type { Guest } from '../../contracts/nouns.ts'
import type { Snapshot } from './schemas.ts'

const NAMES = {
  site: 'guestlift:site',
  guest: 'guestlift:guest',
  run: 'guestlift:run',
  volumes: 'guestlift:volumes',
  bucket: 'guestlift:bucket',
}
/** EC2's longest value of a tag. */
const LONGEST_VALUE = 255

export interface Mark {
  guest: string
  token: string
  /** So many snapshots the backup made: fewer are not all of it. */
  volumes: number
  /** The installation that made it. Older versions didn't say. */
  home?: string
}

/** Whose snapshots they are: the site's, of this installation where it is known. */
export interface Owner {
  site: string
  home?: string | undefined
}

/** EC2 takes 50 tags, and a volume's own are copied: ours are five. */
export function markTags({ site, home }: Owner, { id }: Pick<Guest, 'id'>, token: string, volumes: number) {
  return [
    { Key: NAMES.site, Value: site },
    { Key: NAMES.guest, Value: id },
    { Key: NAMES.run, Value: token },
    { Key: NAMES.volumes, Value: String(volumes) },
    ...(home === undefined ? [] : [{ Key: NAMES.bucket, Value: tagValue(home) }]),
  ]
}

/** Filters of DescribeSnapshots for ours. */
export function markFilters(site: string, { guest, token }: { guest?: string; token?: string } = {}) {
  return [
    { Name: `tag:${NAMES.site}`, Value: [site] },
    ...(guest === undefined
      ? [{ Name: 'tag-key', Value: [NAMES.guest] }]
      : [{ Name: `tag:${NAMES.guest}`, Value: [guest] }]),
    ...(token === undefined
      ? [{ Name: 'tag-key', Value: [NAMES.run] }]
      : [{ Name: `tag:${NAMES.run}`, Value: [token] }]),
  ]
}

/**
 * `undefined` for a snapshot that isn't a backup of this site's, whatever was asked for, and for one of another
 * installation whose site has the same name.
 */
export function markOf({ tagSet }: Pick<Snapshot, 'tagSet'>, { site, home }: Owner): Mark | undefined {
  const [guest, token, itsHome] = [tagSet.get(NAMES.guest), tagSet.get(NAMES.run), tagSet.get(NAMES.bucket)]
  const volumes = Number(tagSet.get(NAMES.volumes))
  if (tagSet.get(NAMES.site) !== site || guest === undefined || token === undefined) return undefined
  if (home !== undefined && itsHome !== undefined && itsHome !== tagValue(home)) return undefined
  const whose = itsHome === undefined ? {} : { home: itsHome }
  return { guest, token, volumes: Number.isSafeInteger(volumes) ? volumes : 0, ...whose }
}

/** What EC2 takes in a tag (user guide, "Tag your Amazon EC2 resources"). */
function tagValue(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} +\-=._:/@]/gu, '_').slice(0, LONGEST_VALUE)
}
