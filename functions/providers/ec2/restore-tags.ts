/** What a restore's snapshots, images and volumes bear. Backups' snapshots bear other tags, and nobody takes one for the other. */
const NAMES = { site: 'guestlift:site', restore: 'guestlift:restore' }

interface Tag {
  key: string
  value: string
}

/** EC2's longest value of a tag. */
const LONGEST_VALUE = 255

export function restoreTags(site: string, token: string, name: string): Tag[] {
  return [
    { key: 'Name', value: name.slice(0, LONGEST_VALUE) },
    { key: NAMES.site, value: site },
    { key: NAMES.restore, value: token },
  ]
}

export function restoreFilters(site: string, token: string): { Name: string; Value: string[] }[] {
  return [
    { Name: `tag:${NAMES.site}`, Value: [site] },
    { Name: `tag:${NAMES.restore}`, Value: [token] },
  ]
}

/** Whether something is this restore's, whatever was asked for. */
export function isOfRestore({ tagSet }: { tagSet: ReadonlyMap<string, string> }, site: string, token: string): boolean {
  return tagSet.get(NAMES.site) === site && tagSet.get(NAMES.restore) === token
}

/** As calls take tags for what they make. */
export function tagSpecification(type: 'image' | 'volume', tags: readonly Tag[]) {
  return [{ ResourceType: type, Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) }]
}
