import { siteFileLocationSchema, type SourceLocation } from '../../contracts/nouns.ts'

/** The file's path on its node, of a source that is one. */
export function pathOf(location: SourceLocation): string | undefined {
  return siteFileLocationSchema.safeParse(location).data?.path
}

/** Where a source is, for people. */
export function placeOf(location: SourceLocation, artifactRef: string): string {
  return `${pathOf(location) ?? artifactRef} on node ${location.node}`
}
