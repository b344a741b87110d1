/** What our snapshots bear, so that they are found again, and only ours are removed. */
import type { Guest } from '../../contracts/nouns.ts'
import type { Snapshot } from './schemas.ts'

const NAMES = { site: 'guestlift:site', guest: 'guestlift:guest', run: 'guestlift:run', volumes: 'guestlift:volumes' }

export interface Mark {
  guest: string
  token: string
  /** So many snapshots the backup made: fewer are not all of it. */
  volumes: number
}

/** EC2 takes 50 tags, and a volume's own are copied: ours are four. */
export function markTags(site: string, { id }: Pick<Guest, 'id'>, token: string, volumes: number) {
  return [
    { Key: NAMES.site, Value: site },
    { Key: NAMES.guest, Value: id },
    { Key: NAMES.run, Value: token },
    { Key: NAMES.volumes, Value: String(volumes) },
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

/** `undefined` for a snapshot that isn't a backup of this site's, whatever was asked for. */
export function markOf({ tagSet }: Pick<Snapshot, 'tagSet'>, site: string): Mark | undefined {
  const [guest, token] = [tagSet.get(NAMES.guest), tagSet.get(NAMES.run)]
  const volumes = Number(tagSet.get(NAMES.volumes))
  if (tagSet.get(NAMES.site) !== site || guest === undefined || token === undefined) return undefined
  return { guest, token, volumes: Number.isSafeInteger(volumes) ? volumes : 0 }
}
