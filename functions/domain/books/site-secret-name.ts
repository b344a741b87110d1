/** What a site's secret is read for. What restores has a secret of its own, which no function that backs up may read. */
export type SecretUse = 'backup' | 'restore'

/** The name of a site's secret. No site's name has a slash in it, so one with a suffix is no other site's. */
export function siteSecretName(prefix: string, site: string, use: SecretUse): string {
  return `${prefix}${site}${use === 'restore' ? '/restore' : ''}`
}
