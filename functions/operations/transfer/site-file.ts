import { SourceUnreadable } from '../../contracts/errors.ts'
import { type SiteFileLocation, siteFileLocationSchema, type SourceArtifact } from '../../contracts/nouns.ts'

/** The file that a source is, for the site's route. @throws SourceUnreadable for a source of another type */
export function siteFileOf(site: string, { artifactRef, location }: SourceArtifact): SiteFileLocation {
  const file = siteFileLocationSchema.safeParse(location)
  if (file.success) return file.data
  throw new SourceUnreadable(
    `Site ${site}, node ${location.node}: ${artifactRef} is a source of type ${location.type ?? 'unknown'}, which this version ` +
      "can't read. Deploy the version that made the backup, or a newer one, and repeat this guest.",
  )
}
