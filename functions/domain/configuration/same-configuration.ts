import { sameValue } from './same-value.ts'
import type { SiteConfiguration } from '../../contracts/site-configuration.ts'

/** Whether two records say the same but for when. A reason why entries may be missing may be worded otherwise each time. */
export function sameConfiguration(one: SiteConfiguration, other: SiteConfiguration): boolean {
  return sameValue(comparable(one), comparable(other))
}

function comparable({ parts, platformVersion, leftOut }: SiteConfiguration) {
  return {
    platformVersion,
    leftOut,
    parts: parts.map(({ part, entries, incomplete }) => ({ part, entries, whole: incomplete === undefined })),
  }
}
