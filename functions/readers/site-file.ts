import { SourceUnreadable } from '../contracts/errors.ts'
import { type SiteFileLocation, siteFileLocationSchema, type SourceLocation } from '../contracts/nouns.ts'

/** A source that this version has no reader for. */
export function unreadableType(site: string, { node, type }: SourceLocation): SourceUnreadable {
  return new SourceUnreadable(
    `Site ${site}, node ${node}: a source is of type ${type ?? 'site-file'}, which this version can't read there. ` +
      'Deploy the version that made the backup, or a newer one, and repeat this guest.',
  )
}

/** The file that a source is, for the site's route. @throws SourceUnreadable for a source of another type */
export function siteFileOf(site: string, location: SourceLocation): SiteFileLocation {
  const file = siteFileLocationSchema.safeParse(location)
  if (file.success) return file.data
  throw unreadableType(site, location)
}
